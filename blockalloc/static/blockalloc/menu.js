/* The panels of the menu: one open at a time; Escape, or a click elsewhere, closes it. */
"use strict";
(() => {
    const panels = [...document.querySelectorAll("details.panel")];
    const close = (but) => panels.forEach((each) => { if (each !== but) each.open = false; });
    for (const panel of panels) panel.addEventListener("toggle", () => { if (panel.open) close(panel); });
    document.addEventListener("click", (event) => close(event.target.closest("details.panel")));
    document.addEventListener("focusin", (event) => close(event.target.closest("details.panel")));
    document.addEventListener("keydown", (event) => {
        const open = panels.find((each) => each.open);
        if (event.key !== "Escape" || !open) return;
        open.open = false;
        open.querySelector("summary").focus();
    });
})();
