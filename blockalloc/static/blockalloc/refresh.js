/* Keeps #live up to date: fetches the current page again and replaces the contents. */
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

    /* The signals by block time, with their announcements. */
    function signals(root) {
        const rows = [...root.querySelectorAll("[data-key]")];
        return new Map(rows.map((row) => [row.dataset.key, row.dataset]));
    }

    function announce(before, after) {
        const texts = [];
        for (const [key, now] of after) {
            const then = before.get(key);
            if (!then || then.signal !== now.signal) texts.push(now.announcement);
        }
        if (texts.length) changes.textContent = texts.join(". ");
    }

    /* Finds the element with the focus in a new root: a link in a row, or a table that scrolls. */
    function focused() {
        const element = document.activeElement;
        if (!element || !live.contains(element)) return null;
        if (element.id) return (root) => root.querySelector(`#${CSS.escape(element.id)}`);
        const row = element.closest("[data-key]");
        return row && ((root) => root.querySelector(`[data-key="${CSS.escape(row.dataset.key)}"] :is(a, summary)`));
    }

    function replace(fresh) {
        const before = signals(live);
        const find = focused();
        const folds = new Map([...live.querySelectorAll("details[id]")].map((fold) => [fold.id, fold.open]));
        const scrolled = new Map([...live.querySelectorAll(".wide")].map((box) => [box.id, box.scrollLeft]));
        live.replaceChildren(...fresh.childNodes);
        for (const box of live.querySelectorAll(".wide")) box.scrollLeft = scrolled.get(box.id) || 0;
        for (const fold of live.querySelectorAll("details[id]")) fold.open = folds.get(fold.id) ?? fold.open;
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
            if (!answer.ok) throw new Error(`the server answered with error ${answer.status}`);
            const other = new DOMParser().parseFromString(await answer.text(), "text/html");
            const fresh = other.getElementById("live");
            if (!fresh) throw new Error("you are no longer signed in: reload it to sign in");
            replace(fresh);
            document.title = other.title;
            document.getElementById("icon").href = other.getElementById("icon").getAttribute("href");
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
