/* Copies the roster as lines with tabs, which spreadsheets and mails take; prints it. */
"use strict";
(() => {
    const table = document.getElementById("roster");
    const copy = document.getElementById("copy");
    const print = document.getElementById("print");
    const copied = document.getElementById("copied");
    if (!table || !copy || !print || !copied) return;

    const lines = () => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()).join("\t"));

    /* Without a secure connection there is no clipboard: then the table is selected, to be copied by hand. */
    async function toClipboard() {
        try {
            await navigator.clipboard.writeText(lines().join("\n"));
            copied.textContent = `${table.rows.length - 1} lines copied`;
        } catch {
            getSelection().selectAllChildren(table);
            copied.textContent = "The table is selected: press Ctrl+C";
        }
    }

    copy.addEventListener("click", toClipboard);
    print.addEventListener("click", () => window.print());
    copy.hidden = print.hidden = false;
})();
