// What Gradio's own scripts do not do for this page.
(() => {
  // A refusal is a sentence: without the number that HTTP has for it.
  const tell = (toast) => {
    const parts = /^HTTP \d+: (.*)$/s.exec(toast.textContent);
    if (!parts) return;
    let text = parts[1];
    try {
      text = JSON.parse(text).detail || text;
    } catch {
      // it is a sentence already
    }
    toast.textContent = text;
  };
  new MutationObserver(() => {
    document.querySelectorAll('[data-testid="toast-text"]').forEach(tell);
  }).observe(document, { childList: true, subtree: true, characterData: true });

  // Some of the frames, where the browser cannot play the video that was dropped.
  const dropped = (event) =>
    event.target instanceof HTMLVideoElement && event.target.closest('#video');
  document.addEventListener(
    'error',
    async (event) => {
      if (!dropped(event)) return;
      event.stopImmediatePropagation();
      const video = event.target;
      const source = video.src;
      if (!source.includes('/gradio_api/file=')) return;
      const address = source.replace('/gradio_api/file=', '/gradio_api/preview=');
      video.dataset.still = 'none';
      const answer = await fetch(address);
      if (!answer.ok || video.src !== source) return;
      video.poster = URL.createObjectURL(await answer.blob());
      video.dataset.still = 'frames';
    },
    true,
  );
  document.addEventListener(
    'loadeddata',
    (event) => {
      if (!dropped(event)) return;
      event.target.removeAttribute('poster');
      delete event.target.dataset.still;
    },
    true,
  );
})();
