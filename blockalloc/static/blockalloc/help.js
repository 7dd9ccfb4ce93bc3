/* What would help, asked for after the page is there, since plans take their time: on the page of a class all of it, on
   "Today" the first lines for the worst classes. Each has its place beside a link that leads to the same; data-plain
   says that something else on the card, or the page, is the primary button already. */
"use strict";
(() => {
    const most = 3;
    const fresh = 120 * 1000;
    const known = new Map();

    const partOf = (link) => (link.dataset.help === "all" ? "all" : "row");
    const plainOf = (link) => ("plain" in link.dataset ? "&plain=1" : "");
    const addressOf = (link) => `${link.getAttribute("href")}?part=${partOf(link)}${plainOf(link)}`;

    function keptFor(link) {
        const kept = known.get(addressOf(link));
        return kept && Date.now() - kept.at < fresh ? kept : null;
    }

    async function ask(link) {
        const address = addressOf(link);
        const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(20000) });
        /* Who is no longer signed in is sent to another page. */
        const text = answer.ok && !answer.redirected ? await answer.text() : "";
        known.set(address, { at: Date.now(), text });
    }

    function show(link) {
        const part = new DOMParser().parseFromString(known.get(addressOf(link)).text, "text/html");
        const section = part.getElementById("help");
        if (link.dataset.help === "all" && section) document.getElementById("help").replaceWith(section);
        if (link.dataset.help === "all") return;
        const place = link.closest("[data-key]").querySelector(".offers");
        if (place) place.replaceChildren(...part.querySelectorAll(".offer"));
    }

    const links = () => [...document.querySelectorAll("a[data-help]")].slice(0, most);

    /* What is known goes in at once, so that nothing on a page that was refreshed jumps. */
    function showKnown() {
        for (const link of links()) if (known.has(addressOf(link))) show(link);
    }

    async function fillAll() {
        for (const link of links()) {
            if (keptFor(link) || link.dataset.asked) continue;
            link.dataset.asked = "yes";
            try {
                await ask(link);
                if (link.isConnected) show(link);
                else showKnown();
            } catch {
                /* The link itself leads to the same. */
            }
        }
    }

    document.getElementById("live")?.addEventListener("refreshed", () => {
        showKnown();
        fillAll();
    });
    fillAll();
})();
