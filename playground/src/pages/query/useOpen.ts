/** Opens a query in the editor: in this tab if nothing is in it, else in a new one. */
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useCallback } from 'react';

export function useOpen(): (query: string, variables: string) => void {
  const actions = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  return useCallback(
    (query, variables) => {
      if (!queryEditor) return;
      const now = queryEditor.getValue().trim();
      if (now === query.trim()) {
        if (variables) variableEditor?.setValue(variables);
        return;
      }
      if (now !== '') actions.addTab();
      queryEditor.setValue(query);
      variableEditor?.setValue(variables);
    },
    [actions, queryEditor, variableEditor],
  );
}
