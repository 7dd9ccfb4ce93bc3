// Fields that say nothing are left out of the address of a list.
"use strict";
document.getElementById("changelist-search")?.addEventListener("submit", (event) => {
    for (const field of event.target.elements) {
        if (field.name && !field.value) field.disabled = true;
    }
});
// After "back" they are to be used again.
addEventListener("pageshow", () => {
    for (const field of document.getElementById("changelist-search")?.elements ?? []) field.disabled = false;
});
