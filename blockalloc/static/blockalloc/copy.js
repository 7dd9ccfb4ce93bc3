/* Buttons that copy the text of another element. Without this script, or without a clipboard, they stay hidden. */
"use strict";
(() => {
    if (!navigator.clipboard) return;
    const said = document.getElementById("copied");
    for (const button of document.querySelectorAll("button[data-copies]")) {
        const source = document.getElementById(button.dataset.copies);
        if (!source) continue;
        const label = button.textContent;
        button.hidden = false;
        button.addEventListener("click", async () => {
            let word = "Copied";
            try {
                await navigator.clipboard.writeText(source.textContent.trim());
            } catch {
                word = "Not copied: the browser refused";
            }
            button.textContent = word;
            if (said) said.textContent = word;
            setTimeout(() => {
                button.textContent = label;
                if (said) said.textContent = "";
            }, 3000);
        });
    }
})();
