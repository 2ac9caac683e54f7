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

  // Gradio sends several files as one form; the page takes a file at a time, so
  // that the limits hold for each.
  const send = window.fetch;
  window.fetch = async (address, options = {}) => {
    const files = options.body instanceof FormData ? options.body.getAll('files') : [];
    if (files.length < 2) return send(address, options);
    const paths = [];
    for (const file of files) {
      const body = new FormData();
      body.append('files', file);
      const answer = await send(address, { ...options, body });
      if (!answer.ok) {
        const reason = `${file.name}: ${await answer.text()}`;
        return new Response(reason, { status: answer.status });
      }
      paths.push(...(await answer.json()));
    }
    return new Response(JSON.stringify(paths));
  };

  // Of some files there are no pictures.
  document.addEventListener(
    'error',
    (event) => {
      if (event.target.matches?.('.videos img')) event.target.remove();
    },
    true,
  );

  // The moments that a search has given play below their row.
  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('.moment');
    if (!button) return;
    const row = button.closest('tr');
    const isOpen = row.nextElementSibling?.matches('.player');
    document.querySelectorAll('.player').forEach((player) => player.remove());
    if (isOpen) return;
    row.insertAdjacentHTML(
      'afterend',
      '<tr class="player"><td colspan="4"><video controls autoplay></video></td></tr>',
    );
    const video = row.nextElementSibling.querySelector('video');
    video.addEventListener('error', () =>
      video.replaceWith('Your browser cannot play this file.'),
    );
    video.src = button.dataset.video;
  });
})();
