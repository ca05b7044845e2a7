import { isSeen } from '../../ui/text';

/** What people call an entity: its title, else what its profile says, where its kind has one. */
export function calledOf(entity: object): string | null {
  const title = text('title' in entity ? entity.title : 'heading' in entity ? entity.heading : null);
  if (title !== null) return title;
  const profile = 'profile' in entity ? entity.profile : null;
  return typeof profile === 'object' && profile !== null && 'displayName' in profile ? text(profile.displayName) : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && isSeen(value) ? value.trim() : null;
}
