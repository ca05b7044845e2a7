/** Somebody: with a link where the catalog knows them. */
import { EntityLink } from '../../../ui/EntityLink';
import { calledOf } from '../called';
import { plain } from '../../../ui/text';

export interface Somebody {
  readonly name?: string | null;
  readonly login?: string | null;
  readonly user?: { readonly ref: string; readonly title?: string | null; readonly profile?: { readonly displayName: string | null } | null } | null;
}

export function Person({ of }: { of: Somebody | null | undefined }) {
  if (!of) return null;
  if (of.user) return <EntityLink of={{ ref: of.user.ref, title: of.name ?? calledOf(of.user) ?? of.login ?? null }} bare />;
  const name = of.name ?? of.login;
  return name ? <span>{plain(name, 60)}</span> : null;
}
