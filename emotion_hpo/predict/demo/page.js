// A file that the server would refuse is not sent, and the page says why: Gradio says nothing of it.
for (const kind of ["change", "drop"]) {
  document.addEventListener(kind, (event) => {
    const files = [...(event.target.files ?? event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    const large = files.find((file) => file.size > LARGEST_MB * 2 ** 20);
    for (const place of document.querySelectorAll(".refused")) {
      place.classList.toggle("fault", Boolean(large));
      place.textContent = large
        ? `${large.name} has ${Math.round(large.size / 2 ** 20)} MB, a file at most LARGEST_MB MB; ` +
          "cut the recording into utterances first."
        : "";
    }
    if (large) {
      event.stopImmediatePropagation();
      event.preventDefault();
      if (event.target.files) event.target.value = "";
    }
  }, true);
}
