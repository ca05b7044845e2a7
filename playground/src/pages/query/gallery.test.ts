import { parse } from 'graphql';
import { expect, it } from 'vitest';
import { question, questions } from './gallery';

it('takes the first line for the question', () => {
  expect(question('../a/who-owns-it.graphql', '# Who owns it?\n# Ask `a`.\nquery Q { a } # not this\n')).toEqual({
    name: 'who-owns-it',
    title: 'Who owns it?',
    query: '# Who owns it?\n# Ask `a`.\nquery Q { a } # not this',
  });
});

it('has every example, with a question and a document', () => {
  expect(questions.length).toBeGreaterThan(5);
  for (const { title, query } of questions) {
    expect(title).toMatch(/[?.]$/);
    expect(() => parse(query)).not.toThrow();
  }
});
