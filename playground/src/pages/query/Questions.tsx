/** The ready questions as a pane of the editor: each opens in a tab of its own. */
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import type { GraphiQLPlugin } from '@graphiql/react';
import { Icon } from '../../ui/Icon';
import { questions } from './gallery';
import { useOpen } from './useOpen';

function Questions() {
  const open = useOpen();
  const actions = useGraphiQLActions();
  const isReady = useGraphiQL((state) => Boolean(state.queryEditor));
  return (
    <div className="gallery">
      <div className="graphiql-doc-explorer-title">Questions</div>
      <p className="soft small">Each opens in a tab of its own and is asked. Change its variables, or anything else.</p>
      <ul>
        {questions.map((question) => (
          <li key={question.name}>
            <button
              type="button"
              className="question"
              disabled={!isReady}
              onClick={() => {
                open(question.query, '');
                actions.run();
              }}
            >
              <span>{question.title}</span>
              <Icon name="arrow" />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

export const QUESTIONS: GraphiQLPlugin = {
  title: 'Questions',
  icon: () => <Icon name="list" />,
  content: Questions,
};
