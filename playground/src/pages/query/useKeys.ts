/** Keys that the editor names. It listens to them as on a Mac: everywhere else it waits for the Windows key where it says Ctrl. */
import { useGraphiQLActions } from '@graphiql/react';
import { useEffect } from 'react';

export function useKeys(): void {
  const actions = useGraphiQLActions();
  useEffect(() => {
    if (navigator.userAgent.includes('Mac')) return;
    const press = (event: KeyboardEvent): void => {
      if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return;
      const key = event.key.toUpperCase();
      if (key === 'P') void actions.prettifyEditors();
      else if (key === 'M') actions.mergeQuery();
      else if (key === 'C') void actions.copyQuery();
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener('keydown', press, true);
    return () => window.removeEventListener('keydown', press, true);
  }, [actions]);
}
