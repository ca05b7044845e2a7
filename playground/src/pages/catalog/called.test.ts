import { expect, it } from 'vitest';
import { calledOf } from './called';

it('prefers the title, then the profile', () => {
  expect(calledOf({ title: ' Pay ', profile: { displayName: 'x' } })).toBe('Pay');
  expect(calledOf({ title: ' ', profile: { displayName: 'Ada' } })).toBe('Ada');
  expect(calledOf({ heading: 'H' })).toBe('H');
  // Nobody could see a title of these, nor click on it.
  expect(calledOf({ title: ' \u3164\u200B\u00AD ' })).toBeNull();
  expect(calledOf({ title: '🐦' })).toBe('🐦');
  for (const none of [{}, { title: null }, { profile: null }, { profile: { displayName: null } }]) expect(calledOf(none)).toBeNull();
});
