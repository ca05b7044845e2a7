/** Our buttons in the editor's toolbar: share, and copy as a command or a program. */
import { ToolbarButton, useGraphiQL } from '@graphiql/react';
import { useId, useRef, useState } from 'react';
import { href, navigate } from '../../app/location';
import { address } from '../../data/address';
import { token } from '../../data/token';
import { Icon } from '../../ui/Icon';
import { copy } from './clipboard';
import { LANGUAGES, copyAs } from './copyAs';
import type { Language } from './copyAs';
import { operationIn } from './fetcher';
import { queryLink } from './share';

const SHOWN_FOR = 2500;
const SEVERAL = /^\s*(query|mutation|subscription)\b[^]*^\s*(query|mutation|subscription)\b/m;

export function Tools() {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const operationName = useGraphiQL((state) => state.operationName);
  const [said, setSaid] = useState('');

  const query = (): string => queryEditor?.getValue() ?? '';
  const variables = (): string => variableEditor?.getValue() ?? '';
  const give = async (text: string, what: string): Promise<void> => {
    setSaid((await copy(text)) ? `${what} copied` : 'The browser does not let the page copy');
    window.setTimeout(() => setSaid(''), SHOWN_FOR);
  };
  const share = (): void => {
    const link = queryLink(query(), variables());
    navigate(link, { replace: true });
    void give(new URL(href(link), location.href).href, 'Link');
  };

  const copyIn = (language: Language): void => {
    const text = query();
    const asked = {
      url: address('graphql').href,
      query: text,
      variables: variables(),
      operationName: SEVERAL.test(text) ? operationIn(text, operationName) : undefined,
      headers: headerEditor?.getValue() ?? '',
      hasToken: token.get() !== '',
    };
    void give(copyAs(language, asked), language);
  };

  return (
    <>
      <ToolbarButton label="Share: put the query into the address and copy it" onClick={share}>
        <Icon name="share" className="graphiql-toolbar-icon" />
      </ToolbarButton>
      <CopyAs onCopy={copyIn} />
      <span role="status" className={said ? 'said' : 'said off-screen'}>
        {said}
      </span>
    </>
  );
}

/** A list that opens below its button. GraphiQL's own menu hides the whole page from who hears it, also what has the focus in it. */
function CopyAs({ onCopy }: { onCopy: (language: Language) => void }) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const all = useRef<HTMLDivElement>(null);
  const close = (): void => {
    setOpen(false);
    all.current?.querySelector('button')?.focus();
  };
  return (
    <div
      ref={all}
      className="copy-as"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && isOpen) close();
      }}
      onBlur={({ relatedTarget }) => {
        if (!all.current?.contains(relatedTarget)) setOpen(false);
      }}
    >
      <ToolbarButton label="Copy as curl, JavaScript or Python" aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
        <Icon name="query" className="graphiql-toolbar-icon" />
      </ToolbarButton>
      <ul id={id} className="copy-as-list" hidden={!isOpen}>
        {LANGUAGES.map((language) => (
          <li key={language}>
            <button
              type="button"
              onClick={() => {
                onCopy(language);
                close();
              }}
            >
              Copy as {language}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
