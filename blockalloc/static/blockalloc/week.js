/* The days of the week are folds on narrow windows, and columns on wide ones, where nothing is to be folded. */
"use strict";
(() => {
    const live = document.getElementById("live");
    if (!live) return;
    const wide = matchMedia("(min-width: 1000px)");
    let folds = new Map();

    const days = () => [...live.querySelectorAll(".week > .day")];

    function arrange() {
        for (const day of days()) {
            const head = day.querySelector("summary");
            if (wide.matches) {
                if (!folds.has(day.id)) folds.set(day.id, day.open);
                day.open = true;
                head.tabIndex = -1;
            } else {
                head.removeAttribute("tabindex");
            }
        }
    }

    wide.addEventListener("change", () => {
        if (!wide.matches) for (const day of days()) day.open = folds.get(day.id) ?? day.open;
        folds = new Map();
        arrange();
    });
    new MutationObserver(arrange).observe(live, { childList: true });
    arrange();
})();
