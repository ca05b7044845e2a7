// Somebody who has never seen it: who is on call, a query that is run and changed, why a field was slow, and what breaks if an API goes away.
import { assert, until, visit } from './visit.mjs';

const answer = (page) => page.locator('.result-window .view-lines').innerText();

export const checks = [
  [
    'journey: from the start to four answers, without documentation',
    async ({ browser, url }) => {
      for (const width of ['laptop', 'narrow']) {
        const page = await visit(browser, `${url}/`, { width });
        // Who is on call for a service.
        await page.getByRole('searchbox', { name: 'Search the catalog' }).fill('payments-api');
        await page.keyboard.press('Enter');
        await page.getByRole('link', { name: 'Payments API' }).first().click();
        await page.getByRole('heading', { name: 'On call' }).waitFor();
        await page.getByText('Amara Oyelaran').first().waitFor();
        await page.shoot('journey-1-on-call');
        // A query, run, and what was slow in it.
        await page.getByRole('link', { name: 'Query', exact: true }).click();
        await page.locator('.graphiql-query-editor .view-line').nth(8).waitFor();
        await page.getByRole('button', { name: /^Execute query/ }).click();
        await page.getByText('In the server').waitFor();
        await page.shoot('journey-2-trace');
        // Changed.
        await page.locator('.graphiql-query-editor .view-line', { hasText: 'components' }).click();
        await page.keyboard.press('End');
        await page.keyboard.press('Enter');
        await page.keyboard.type('totalCount');
        await page.keyboard.press('Control+Enter');
        await until(async () => (await answer(page)).includes('totalCount'), 'answer to the changed query');
        await page.shoot('journey-3-changed');
        // What breaks.
        await page.getByRole('link', { name: 'Callboard, start' }).click();
        await page.getByRole('link', { name: /^Whom would a change/ }).click();
        await until(() => page.locator('.graphiql-query-editor').innerText().then((text) => text.includes('impact')), 'question in the editor');
        await page.getByRole('button', { name: /^Execute query/ }).click();
        await until(async () => (await answer(page)).includes('degree'), 'what a change reaches');
        await page.shoot('journey-4-impact');
        assert(page.url().includes('/query#'), page.url());
        await page.done();
      }
    },
  ],
];
