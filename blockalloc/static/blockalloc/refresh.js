/* Keeps #live up to date: fetches the current page again and replaces the contents. */
"use strict";
(() => {
    const live = document.getElementById("live");
    const stale = document.getElementById("stale");
    const changes = document.getElementById("changes");
    if (!live || !stale || !changes) return;
    const pause = Number(live.dataset.seconds) * 1000;
    /* A hidden tab rests, unless its title and icon say how things are: then it asks now and then. */
    const hiddenPause = Number(live.dataset.hiddenSeconds || 0) * 1000;
    const old = "Out of date: ";
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

    /* Finds the element with the focus in a new root: by its id, or in the same class by where it leads. */
    function focused() {
        const element = document.activeElement;
        if (!element || !live.contains(element)) return null;
        if (element.id) return (root) => root.querySelector(`#${CSS.escape(element.id)}`);
        const fold = element.matches("summary") && element.closest("details[id]");
        if (fold) return (root) => root.querySelector(`#${CSS.escape(fold.id)} > summary`);
        const address = element.getAttribute("href");
        const row = element.closest("[data-key]");
        const within = row ? `[data-key="${CSS.escape(row.dataset.key)}"]` : "";
        return (root) =>
            (address && root.querySelector(`${within} a[href="${CSS.escape(address)}"]`)) ||
            (row && root.querySelector(`${within} :is(a, summary)`));
    }

    function replace(fresh) {
        const before = signals(live);
        const find = focused();
        const folds = new Map([...live.querySelectorAll("details[id]")].map((fold) => [fold.id, fold.open]));
        const scrolled = new Map([...live.querySelectorAll(".wide")].map((box) => [box.id, box.scrollLeft]));
        live.replaceChildren(...fresh.childNodes);
        for (const box of live.querySelectorAll(".wide")) box.scrollLeft = scrolled.get(box.id) || 0;
        for (const fold of live.querySelectorAll("details[id]")) fold.open = folds.get(fold.id) ?? fold.open;
        live.dispatchEvent(new Event("refreshed"));
        const target = find && find(live);
        if (target) target.focus({ preventScroll: true });
        announce(before, signals(live));
    }

    function fail(why) {
        const text = `This page is out of date: it shows ${updated()}, and ${why}. Trying again every ${pause / 1000} s.`;
        if (stale.textContent !== text) stale.textContent = text;
        stale.hidden = false;
        live.classList.add("stale");
        /* On a tab in the background the title is all that one sees. */
        if (!document.title.startsWith(old)) document.title = old + document.title;
    }

    /* The title, and the icon, which say how many classes are at risk. */
    function takeOver(other) {
        document.title = other.title;
        const icon = document.getElementById("icon");
        const href = other.getElementById("icon")?.getAttribute("href");
        if (icon && href && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
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
            takeOver(other);
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
        const after = document.hidden ? hiddenPause : pause;
        if (after) timer = setTimeout(refresh, Math.max(after - (Date.now() - lastTry), 0));
    }

    document.addEventListener("visibilitychange", plan);
    plan();
})();
