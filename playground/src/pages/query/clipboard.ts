/** Puts a text onto the clipboard; also where the page is served without TLS, where browsers keep the newer way to themselves. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'off-screen';
    document.body.append(area);
    area.select();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way there
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
