/* Adds to the worst classes of "Today" what would help: asked for after the page is there, since plans take their time. */
"use strict";
(() => {
    const live = document.getElementById("live");
    if (!live) return;
    const most = 3;
    const fresh = 120 * 1000;
    const known = new Map();

    async function ask(address) {
        const kept = known.get(address);
        if (kept && Date.now() - kept.at < fresh) return kept.text;
        const answer = await fetch(`${address}?part=row`, { cache: "no-store", signal: AbortSignal.timeout(20000) });
        /* Who is no longer signed in is sent to another page. */
        const text = answer.ok && !answer.redirected ? await answer.text() : "";
        known.set(address, { at: Date.now(), text });
        return text;
    }

    async function add(link) {
        const text = await ask(link.getAttribute("href"));
        const part = new DOMParser().parseFromString(text, "text/html");
        const offers = [...part.querySelectorAll(".offer")];
        if (link.isConnected && offers.length) link.before(...offers.flatMap((offer) => [offer, " "]));
    }

    async function addAll() {
        for (const link of [...live.querySelectorAll("a[data-help]")].slice(0, most)) {
            if (link.dataset.help) continue;
            link.dataset.help = "asked";
            try {
                await add(link);
            } catch {
                /* The link itself leads to the same. */
            }
        }
    }

    new MutationObserver(addAll).observe(live, { childList: true });
    addAll();
})();
