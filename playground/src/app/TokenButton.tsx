/** Takes the token that requests carry, and shows whether there is one. */
import { useId, useRef, useState, useSyncExternalStore } from 'react';
import { setToken, token } from '../data/token';
import { Icon } from '../ui/Icon';

export function TokenButton() {
  const held = useSyncExternalStore(token.follow, token.get);
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const field = useId();

  const open = (): void => {
    setText(held);
    dialog.current?.showModal();
  };
  return (
    <>
      <button
        type="button"
        className="icon-button"
        onClick={open}
        data-open-token
        aria-label={held ? 'Token: set. Change it.' : 'Token: none. Set one.'}
        title={held ? 'A token is sent with requests' : 'Set a token'}
      >
        <Icon name="key" />
        {held !== '' && <span className="dot" />}
      </button>
      <dialog ref={dialog} className="dialog" aria-labelledby={`${field}-title`}>
        <form
          method="dialog"
          onSubmit={() => setToken(text)}
        >
          <h2 id={`${field}-title`}>Token</h2>
          <p className="soft">
            It is sent as <code>Authorization: Bearer</code> with every request to this server, and forgotten when this tab is closed.
          </p>
          <label htmlFor={field}>Token</label>
          <input
            id={field}
            className="input"
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <div className="row end">
            <button
              type="button"
              className="button quiet"
              onClick={() => {
                setToken('');
                dialog.current?.close();
              }}
            >
              Forget it
            </button>
            <button type="submit" className="button">
              Use it
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}

/** From wherever a page finds that it may not read something. */
export function openToken(): void {
  document.querySelector<HTMLButtonElement>('[data-open-token]')?.click();
}
