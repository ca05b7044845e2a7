/** The editor's workers, as files of our own: the policy lets nothing else run. */
import GraphQLWorker from 'monaco-graphql/esm/graphql.worker.js?worker';
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker';
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker';

function getWorker(_id: string, label: string): Worker {
  switch (label) {
    case 'json':
      return new JsonWorker();
    case 'graphql':
      return new GraphQLWorker();
    default:
      return new EditorWorker();
  }
}

// The name by which Monaco asks for them.
Object.assign(globalThis, { MonacoEnvironment: { getWorker } });
