//! What people write, as HTML.

use insta::assert_snapshot;

use super::support::Served;

async fn html(markdown: &str) -> String {
    Served::docs(&[("docs/index.md", markdown)])
        .await
        .html()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn admonitions_in_both_syntaxes() {
    let text = "!!! note\n    Plain.\n\n    ```sh\n    echo one\n\n    echo two\n    ```\n\n!!! warning \"Mind the `gap`\"\n    - a\n    - b\n\n??? tip \"Folded\"\n    Text\n\n    !!! danger \"\"\n        Inner, without a title.\n\n???+ note\n    Open.\n\nAfter.\n\n1. Step\n\n    !!! info\n        In a list.\n\n2. Step\n\n> [!IMPORTANT]\n> GitHub's.\n\n    !!! note\n        code\n";
    assert_snapshot!(html(text).await, @r#"
    <div class="admonition note"><p class="admonition-title">Note</p>
    <p>Plain.</p>
    <div class="highlight"><pre><code class="language-sh"><span class="nb">echo</span> one

    <span class="nb">echo</span> two</code></pre></div>
    </div>
    <div class="admonition warning"><p class="admonition-title">Mind the <code>gap</code></p>
    <ul>
    <li>a</li>
    <li>b</li>
    </ul>
    </div>
    <details class="admonition tip"><summary class="admonition-title">Folded</summary>
    <p>Text</p>
    <div class="admonition danger">
    <p>Inner, without a title.</p>
    </div>
    </details>
    <details class="admonition note" open=""><summary class="admonition-title">Note</summary>
    <p>Open.</p>
    </details>
    <p>After.</p>
    <ol>
    <li><p>Step</p>
     <div class="admonition info"><p class="admonition-title">Info</p>
    <p>In a list.</p>
     </div>
    </li>
    <li><p>Step</p>
    </li>
    </ol>
    <div class="admonition important"><p class="admonition-title">Important</p>
    <p>GitHub&#39;s.</p>
    </div>
    <div class="highlight"><pre><code>!!! note
        code</code></pre></div>
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_work_without_scripts() {
    let text = "=== \"Linux\"\n\n    ```sh\n    apt\n    ```\n\n=== \"macOS\"\n\n    brew\n\nBetween.\n\n=== \"Other\"\n    set\n";
    assert_snapshot!(html(text).await, @r#"
    <div class="tabs"><details class="tab" name="tabs-1" open=""><summary>Linux</summary>
    <div class="highlight"><pre><code class="language-sh"><span class="nf">apt</span></code></pre></div>
    </details>
    <details class="tab" name="tabs-1"><summary>macOS</summary>
    <p>brew</p>
    </details></div>
    <p>Between.</p>
    <div class="tabs"><details class="tab" name="tabs-2" open=""><summary>Other</summary>
    <p>set</p>
    </details></div>
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_with_titles_numbers_and_marks() {
    let text = "```python title=\"a.py\" linenums=\"7\" hl_lines=\"2\"\nimport os\nx = \"<a>\"  # why\n```\n\n``` { .yaml .annotate }\na: 1\n```\n\n```mermaid\ngraph TD; A-->B;\n```\n\n```unknown-language\n<b>\n```\n\n    indented\n\nAnd `#!python x = 1` inline.\n";
    assert_snapshot!(html(text).await, @r#"
    <div class="highlight"><span class="filename">a.py</span><pre class="linenums"><code class="language-python"><span class="line" data-line="7"><span class="k">import</span> os
    </span><span class="line hll" data-line="8">x <span class="o">=</span> <span class="s">&quot;&lt;a&gt;&quot;</span>  <span class="c"># why</span>
    </span></code></pre></div>
    <div class="highlight"><pre><code class="language-yaml annotate"><span class="nt">a</span><span class="p">:</span> <span class="m">1</span></code></pre></div>
    <pre class="mermaid">graph TD; A--&gt;B;</pre>
    <div class="highlight"><pre><code class="language-unknown-language">&lt;b&gt;</code></pre></div>
    <div class="highlight"><pre><code>indented</code></pre></div>
    <p>And <code>x = 1</code> inline.</p>
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn small_things_in_texts() {
    let text = "# One {#first}\n\n## Two & `three`\n\n## Two & `three`\n\n### Über {: .big }\n\n*[API]: an interface\n\nOur API at https://example.org/a_b(c). Press ++ctrl+c++, ==mark== :tada: x^2^ H~2~O ~~gone~~ www.example.org.\n\n- [x] done\n- [ ] open\n\nTerm\n:   Meaning\n\n| a | b |\n| :- | -: |\n| 1 | 2 |\n\nNote[^1] and again[^1].\n\n[^1]: Foot *note*.\n\n[link](https://example.org){ .button target=_blank onclick=\"x()\" } ![i](https://example.org/i.png){ width=\"300\" }\n\nA paragraph.\n{: .lead #intro }\n\n<div class=\"grid\" markdown>\n\n**inside**\n\n</div>\n";
    assert_snapshot!(html(text).await, @r##"
    <h1 id="first">One<a class="headerlink" href="#first" title="Link to One" rel="noopener noreferrer">#</a></h1>
    <h2 id="two-three">Two &amp; <code>three</code><a class="headerlink" href="#two-three" title="Link to Two &amp; three" rel="noopener noreferrer">#</a></h2>
    <h2 id="two-three_1">Two &amp; <code>three</code><a class="headerlink" href="#two-three_1" title="Link to Two &amp; three" rel="noopener noreferrer">#</a></h2>
    <h3 id="uber" class="big">Über<a class="headerlink" href="#uber" title="Link to Über" rel="noopener noreferrer">#</a></h3>
    <p>Our <abbr title="an interface">API</abbr> at <a class="magiclink" href="https://example.org/a_b(c)" rel="noopener noreferrer">https://example.org/a_b(c)</a>. Press <span class="keys"><kbd>Ctrl</kbd>+<kbd>C</kbd></span>, <mark>mark</mark> <span class="emoji" title=":tada:">🎉</span> x<sup>2</sup> H<sub>2</sub>O <del>gone</del> <a class="magiclink" href="https://www.example.org" rel="noopener noreferrer">www.example.org</a>.</p>
    <ul>
    <li><input type="checkbox" disabled="" checked="" aria-label="done"> done</li>
    <li><input type="checkbox" disabled="" aria-label="to do"> open</li>
    </ul>
    <dl>
    <dt>Term</dt>
    <dd>Meaning</dd>
    </dl>
    <table>
    <thead>
    <tr><th align="left">a</th><th align="right">b</th></tr>
    </thead>
    <tbody>
    <tr><td align="left">1</td><td align="right">2</td></tr>
    </tbody>
    </table>
    <p>Note<sup id="fnref:1"><a class="footnote-ref" href="#fn:1" rel="noopener noreferrer">1</a></sup> and again<sup id="fnref2:1"><a class="footnote-ref" href="#fn:1" rel="noopener noreferrer">1</a></sup>.</p>
    <p><a href="https://example.org" class="button" rel="noopener noreferrer">link</a> <img src="https://example.org/i.png" alt="i" width="300"></p>
    <p id="intro" class="lead">A paragraph.</p>
    <div class="grid">
    <p><strong>inside</strong></p>
    </div>
    <div class="footnote">
    <hr>
    <ol>
    <li id="fn:1"><p>Foot <em>note</em>.</p>
    <a class="footnote-backref" href="#fnref:1" title="Back to the text" rel="noopener noreferrer">↩</a><a class="footnote-backref" href="#fnref2:1" title="Back to the text" rel="noopener noreferrer">↩</a></li>
    </ol>
    </div>
    "##);
}

/// Icons have no drawings here: those that say something are characters, the others are left out, in titles and anchors too.
#[tokio::test(flavor = "multi_thread")]
async fn icons_symbols_and_edits() {
    let text = "title: From the first line\n\n# :material-clock-fast:{ .lg } Fast\n\n| a | b |\n| - | - |\n| :material-check: | :octicons-x-16:{ .red } |\n\nA :fontawesome-brands-github: b :tada:{ .big } a:b :material-no icon. (c) (tm) a --> b <-- c <--> d +/- =/= ---> <!-- x -->\n\nH~2~O ~/a:~/b {++new++} {--old--} {~~a~>b~~} {==mark==}{>>said<<} { a }\n\n=== \":material-linux: Linux\"\n\n    apt\n";
    let served = Served::docs(&[("docs/index.md", text)]).await;
    assert_snapshot!(served.html().await, @r##"
    <h1 id="fast">Fast<a class="headerlink" href="#fast" title="Link to Fast" rel="noopener noreferrer">#</a></h1>
    <table>
    <thead>
    <tr><th>a</th><th>b</th></tr>
    </thead>
    <tbody>
    <tr><td><span class="icon" title="yes">✓</span></td><td><span class="icon" title="no">✗</span></td></tr>
    </tbody>
    </table>
    <p>A b <span class="emoji" title=":tada:">🎉</span> a:b :material-no icon. © ™ a → b ← c ↔ d ± ≠ ---&gt; </p>
    <p>H<sub>2</sub>O <sub>/a:</sub>/b <ins class="critic">new</ins> <del class="critic">old</del> <del>a</del><ins>b</ins> <mark class="critic">mark</mark><span class="critic comment">said</span> { a }</p>
    <div class="tabs"><details class="tab" name="tabs-1" open=""><summary>Linux</summary>
    <p>apt</p>
    </details></div>
    "##);
    let toc = served
        .ask("{ component(ref: \"shop\") { docs { pages { title toc { title anchor } sections { text } } } } }")
        .await;
    insta::assert_json_snapshot!(toc["component"]["docs"]["pages"][0], @r#"
    {
      "title": "From the first line",
      "toc": [
        {
          "title": "Fast",
          "anchor": "fast"
        }
      ],
      "sections": [
        {
          "text": "a b \n  \nA b :tada:{ .big } a:b :material-no icon. (c) (tm) a --> b <-- c <--> d +/- =/= ---> \nH~2~O /a:/b {++new++} {--old--} {~~a~>b~~} {==mark==}{>>said<<} { a }\napt"
        }
      ]
    }
    "#);
}

/// What Python-Markdown reads where `CommonMark` does not: behind an element without an end, in a figure, in a fence without a language.
#[tokio::test(flavor = "multi_thread")]
async fn markdown_beside_html() {
    let text = "<hr>\n**`a()`**\n\ntext\n<hr />\n*b*\n\n<div>\n  <hr>\n  *c*\n</div>\n\n<figure markdown=\"span\">\n  ![i](https://example.org/i.png){ width=\"300\" }\n  <figcaption>Under it</figcaption>\n</figure>\n\n```title=\"a.txt\"\nx\n```\n\nOne[^1], two[^1].\n\n[^1]: Note\n";
    assert_snapshot!(html(text).await, @r##"
    <hr>
    <p><strong><code>a()</code></strong></p>
    <p>text</p>
    <hr>
    <p><em>b</em></p>
    <div>
      <hr>
      *c*
    </div>
    <figure>
    <p><img src="https://example.org/i.png" alt="i" width="300"></p>
      <figcaption>Under it</figcaption>
    </figure>
    <div class="highlight"><span class="filename">a.txt</span><pre><code>x</code></pre></div>
    <p>One<sup id="fnref:1"><a class="footnote-ref" href="#fn:1" rel="noopener noreferrer">1</a></sup>, two<sup id="fnref2:1"><a class="footnote-ref" href="#fn:1" rel="noopener noreferrer">1</a></sup>.</p>
    <div class="footnote">
    <hr>
    <ol>
    <li id="fn:1"><p>Note</p>
    <a class="footnote-backref" href="#fnref:1" title="Back to the text" rel="noopener noreferrer">↩</a><a class="footnote-backref" href="#fnref2:1" title="Back to the text" rel="noopener noreferrer">↩</a></li>
    </ol>
    </div>
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn snippets_stay_inside() {
    let served = Served::docs(&[
        ("docs/index.md", "--8<-- \"parts/a.md\"\n\n    --8<-- \"parts/b.py:body\"\n\n--8<-- \"../../secret\"\n--8<-- \"https://example.org/x\"\n--8<-- \"nothing.md\"\n;--8<-- \"shown.md\"\n"),
        ("parts/a.md", "from *a*\n--8<-- \"parts/a.md\"\n"),
        ("parts/b.py", "no\n# --8<-- [start:body]\nyes\n# --8<-- [end:body]\nno\n"),
        ("../secret", "the secret"),
    ])
    .await;
    let html = served.html().await;
    assert!(
        html.contains("from <em>a</em>")
            && html.contains("yes")
            && html.contains("--8&lt;-- &quot;shown.md&quot;"),
        "{html}"
    );
    assert!(
        !html.contains("secret</") && !html.contains(">no"),
        "{html}"
    );
    assert_snapshot!(super::hostile::problems(&served).await, @r#"
    parts/a.md:2:1: warning[docs-limit]: the snippet `parts/a.md` is left out: at most 8 within each other, 200 files and 4194304 bytes
      hint: include less on one page
    docs/index.md:5:1: warning[docs-outside]: the snippet is not read: `../../secret` leads out of the folder that is read
      hint: keep what the docs need below the folder of their source, as a file and not as a link out of it
    docs/index.md:6:1: warning[docs-snippet]: the snippet `https://example.org/x` is elsewhere, and nothing is fetched
      hint: copy it into the docs
    docs/index.md:7:1: warning[docs-snippet]: the snippet is not read: there is no file `nothing.md`
      hint: correct the path; it is relative to the file that names it
    "#);
}

/// `pymdownx.blocks`: not indented, ended by as many slashes as they begin with.
#[tokio::test(flavor = "multi_thread")]
async fn blocks_of_slashes() {
    let served = html(
        "/// note | With *a* title\nIt is `kept`.\n///\n\n//// details | More\n    type: warning\n    open: true\n\n/// tip\nWithin.\n///\n\n- a list\n////\n\n/// tab | One\n1\n///\n\n/// tab | Two\n```sh\n/// note\n```\n///\n\nBehind. \n\n/// html | div.result#x\n**b**\n///\n\n!!! note\n    /// admonition | Inner\n    text\n    ///\n\nEnd\n\n/// unknown\ntext\n///\n\n/// danger\nnever ended\n",
    )
    .await;
    assert_snapshot!(served, @r#"
    <div class="admonition note"><p class="admonition-title">With <em>a</em> title</p>
    <p>It is <code>kept</code>.</p>
    </div>
    <details class="admonition warning" open=""><summary class="admonition-title">More</summary>
    <div class="admonition tip"><p class="admonition-title">Tip</p>
    <p>Within.</p>
    </div>
    <ul>
    <li>a list</li>
    </ul>
    </details>
    <div class="tabs"><details class="tab" name="tabs-1" open=""><summary>One</summary>
    <p>1</p>
    </details>
    <details class="tab" name="tabs-1"><summary>Two</summary>
    <div class="highlight"><pre><code class="language-sh"><span class="nf">///</span> note</code></pre></div>
    </details></div>
    <p>Behind.</p>
    <div class="result">
    <p><strong>b</strong></p>
    </div>
    <div class="admonition note"><p class="admonition-title">Note</p>
    <div class="admonition note"><p class="admonition-title">Inner</p>
    <p>text</p>
    </div>
    </div>
    <p>End</p>
    <p>/// unknown
    text
    ///</p>
    <div class="admonition danger"><p class="admonition-title">Danger</p>
    <p>never ended</p>
    </div>
    "#);
}

/// `{! … !}` is read where `mkdocs.yml` names the extension, in fences too, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_put_in_where_the_extension_is_named() {
    let page = "# Words\n\n```yaml\n{!docs/parts/a.yaml!}\n```\n\n> {! parts/b.txt !lines=2-3 5}.\n\nBefore {!parts/c.md!} behind\n\n{!docs/gone.md!}\n\n{! ../../secret !}\n";
    let files = [
        ("docs/index.md", page),
        ("docs/parts/a.yaml", "kind: Thing\n  deep: yes\n"),
        ("docs/parts/b.txt", "one\ntwo\nthree\nfour\nfive\n"),
        ("docs/parts/c.md", "the *middle*\n"),
        ("../secret", "the secret"),
    ];
    let config =
        "markdown_extensions:\n- admonition\n- markdown_include.include:\n    base_path: docs\n";
    let with = Served::docs(&[&files[..], &[("mkdocs.yml", config)]].concat()).await;
    let html = with.html().await;
    let text = html.replace("<span class=\"", "\u{0}");
    let text: String = text
        .split('\u{0}')
        .map(|part| part.split_once("\">").map_or(part, |(_, rest)| rest))
        .collect();
    let text = text.replace("</span>", "");
    assert!(text.contains("kind: Thing\n  deep: yes</code>"), "{text}");
    assert!(text.contains("two\nthree\nfive."), "{text}");
    assert!(text.contains("Before the <em>middle</em> behind"), "{text}");
    assert!(!text.contains("the secret"), "{text}");
    assert_snapshot!(super::hostile::problems(&with).await, @r#"
    docs/index.md:11:1: warning[docs-snippet]: the snippet is not read: there is no file `docs/docs/gone.md`
      hint: correct the path; it is relative to the file that names it
    docs/index.md:13:1: warning[docs-outside]: the snippet is not read: `../../secret` leads out of the folder that is read
      hint: keep what the docs need below the folder of their source, as a file and not as a link out of it
    "#);
    // A file that a page puts in is a part of it.
    with.catalog.write("docs/parts/c.md", "another");
    assert!(with.html().await.contains("Before another behind"));

    let without = Served::docs(&[&files[..], &[("mkdocs.yml", "site_name: x\n")]].concat()).await;
    let html = without.html().await;
    assert!(html.contains("Before {!parts/c.md!} behind"), "{html}");
}
