// Somebody who has never seen it: who is on call, a query that is run and changed, why a field was slow, and what breaks if an API goes away.
import { demo } from './servers.mjs';
import { assert, until, visit } from './visit.mjs';

const answer = (page) => page.locator('.result-window .view-lines').innerText();

export const checks = [
  [
    'journey: from the start to four answers, without documentation',
    async ({ browser, binary }) => {
      for (const width of ['laptop', 'narrow']) {
        // Of its own: nobody has asked before, so upstreams are asked.
        const company = await demo(binary);
        const page = await visit(browser, `${company.url}/`, { width });
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
        const trace = await page.locator('.trace').innerText();
        assert(/Slowest\s+\S.* from \S+, \d+ ms/.test(trace), `the trace says which field was slow, and from whom: ${trace}`);
        await page.shoot('journey-2-trace');
        // Changed. On a phone the answer has taken the place of the question.
        const back = page.getByRole('group', { name: 'What is shown' }).getByRole('button', { name: 'Query' });
        if (await back.isVisible()) await back.click();
        await page.locator('.graphiql-query-editor .view-line', { hasText: 'components' }).click();
        await page.keyboard.press('End');
        await page.keyboard.press('Enter');
        await page.keyboard.type('totalCount');
        await page.keyboard.press('Control+Enter');
        await until(async () => (await answer(page)).includes('totalCount'), 'answer to the changed query');
        await page.shoot('journey-3-changed');
        // What breaks if an API goes away: from its page.
        await page.getByRole('link', { name: 'Callboard, start' }).click();
        await page.getByRole('list', { name: 'Entities by kind' }).getByRole('link', { name: /API$/ }).click();
        await page.getByRole('link', { name: 'payments-api', exact: true }).first().click();
        await page.getByRole('link', { name: 'What breaks without it' }).click();
        const drawn = page.getByRole('region', { name: 'Everything that is drawn' });
        await drawn.getByRole('button', { name: 'refund-desk' }).first().waitFor();
        await drawn.getByRole('button', { name: 'storefront-web' }).first().waitFor();
        await page.axe();
        await page.shoot('journey-4-what-breaks');
        // And from the page Graph, as one who begins there.
        await page.getByRole('link', { name: 'Graph', exact: true }).click();
        await page.getByRole('combobox', { name: 'Find an entity' }).fill('payments-api');
        await page.getByRole('option', { name: /api:default\/payments-api/ }).first().click();
        await page.getByRole('button', { name: 'What breaks', exact: true }).click();
        await drawn.getByRole('button', { name: 'storefront-web' }).first().waitFor();
        assert(page.url().endsWith('/graph/api/default/payments-api?mode=impact'), page.url());
        await page.done();
        await company.stop();
      }
    },
  ],
];
