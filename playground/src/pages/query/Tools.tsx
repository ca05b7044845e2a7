/** Our buttons in the editor's toolbar: share, and copy as a command or a program. */
import { ToolbarButton, ToolbarMenu, useGraphiQL } from '@graphiql/react';
import { useState } from 'react';
import { href, navigate } from '../../app/location';
import { address } from '../../data/address';
import { token } from '../../data/token';
import { Icon } from '../../ui/Icon';
import { copy } from './clipboard';
import { LANGUAGES, copyAs } from './copyAs';
import { queryLink } from './share';

const SHOWN_FOR = 2500;

export function Tools() {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
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

  return (
    <>
      <ToolbarButton label="Share: put the query into the address and copy it" onClick={share}>
        <Icon name="share" className="graphiql-toolbar-icon" />
      </ToolbarButton>
      <ToolbarMenu
        button={
          <ToolbarButton label="Copy as curl, JavaScript or Python">
            <Icon name="query" className="graphiql-toolbar-icon" />
          </ToolbarButton>
        }
      >
        {LANGUAGES.map((language) => (
          <ToolbarMenu.Item
            key={language}
            onSelect={() => {
              const asked = { url: address('graphql').href, query: query(), variables: variables(), hasToken: token.get() !== '' };
              void give(copyAs(language, asked), language);
            }}
          >
            Copy as {language}
          </ToolbarMenu.Item>
        ))}
      </ToolbarMenu>
      <span role="status" className={said ? 'said' : 'said off-screen'}>
        {said}
      </span>
    </>
  );
}
