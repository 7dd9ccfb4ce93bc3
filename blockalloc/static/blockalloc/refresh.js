/* Keeps #live up to date: fetches the page that is shown again and exchanges what is in there. */
"use strict";
(() => {
    const live = document.getElementById("live");
    const stale = document.getElementById("stale");
    const changes = document.getElementById("changes");
    if (!live || !stale || !changes) return;
    const pause = Number(live.dataset.seconds) * 1000;
    let timer = 0;
    let running = false;
    let lastTry = Date.now();

    const updated = () => live.querySelector(".updated time").textContent;

    /* Signals by block time, and how they are read out. */
    function signals(root) {
        const rows = [...root.querySelectorAll("tr[data-key]")];
        return new Map(rows.map((row) => [row.dataset.key, row.dataset]));
    }

    function announce(before, after) {
        const told = [];
        for (const [key, now] of after) {
            const then = before.get(key);
            if (!then || then.signal !== now.signal) told.push(now.told);
        }
        if (told.length) changes.textContent = told.join(". ");
    }

    /* What has the focus: a link of a block time's row, or a table that scrolls. */
    function focused() {
        const element = document.activeElement;
        if (!element || !live.contains(element)) return null;
        if (element.id) return (root) => root.querySelector(`#${CSS.escape(element.id)}`);
        const row = element.closest("tr[data-key]");
        return row && ((root) => root.querySelector(`tr[data-key="${CSS.escape(row.dataset.key)}"] a`));
    }

    function exchange(fresh) {
        const before = signals(live);
        const find = focused();
        const scrolled = new Map([...live.querySelectorAll(".wide")].map((box) => [box.id, box.scrollLeft]));
        live.replaceChildren(...fresh.childNodes);
        for (const box of live.querySelectorAll(".wide")) box.scrollLeft = scrolled.get(box.id) || 0;
        const target = find && find(live);
        if (target) target.focus({ preventScroll: true });
        announce(before, signals(live));
    }

    function fail(why) {
        const text = `This page is out of date: it shows ${updated()}, and ${why}. Trying again every ${pause / 1000} s.`;
        if (stale.textContent !== text) stale.textContent = text;
        stale.hidden = false;
        live.classList.add("stale");
    }

    async function refresh() {
        if (running) return;
        running = true;
        lastTry = Date.now();
        const y = window.scrollY;
        try {
            const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(20000) });
            if (!answer.ok) throw new Error(`the server answers with error ${answer.status}`);
            const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
            if (!found) throw new Error("you are no longer signed in: load it again to sign in");
            exchange(found);
            window.scrollTo(window.scrollX, y);
            stale.hidden = true;
            stale.textContent = "";
            live.classList.remove("stale");
        } catch (error) {
            const unreachable = error.name === "TypeError" || error.name === "TimeoutError";
            fail(unreachable ? "the server cannot be reached" : error.message);
        } finally {
            running = false;
            plan();
        }
    }

    function plan() {
        clearTimeout(timer);
        if (!document.hidden) timer = setTimeout(refresh, Math.max(pause - (Date.now() - lastTry), 0));
    }

    document.addEventListener("visibilitychange", plan);
    plan();
})();
