/** Somebody: with a link where the catalog knows them. */
import { EntityLink } from '../../../ui/EntityLink';
import { plain } from '../../../ui/text';

export interface Somebody {
  readonly name?: string | null;
  readonly login?: string | null;
  readonly user?: { readonly ref: string; readonly title?: string | null } | null;
}

export function Person({ of }: { of: Somebody | null | undefined }) {
  if (!of) return null;
  const name = of.name ?? of.login;
  if (of.user) return <EntityLink of={{ ref: of.user.ref, title: name ?? of.user.title ?? null }} bare />;
  return name ? <span>{plain(name, 60)}</span> : null;
}
