//! Structure: pages, paths, navigation, titles, links between pages.

use insta::{assert_json_snapshot, assert_snapshot};

use super::support::{Served, component, named};

const MKDOCS: &str = "site_name: The shop\nrepo_url: https://github.com/acme/shop\nedit_uri: edit/main/docs/\nnav:\n  - index.md\n  - Guide:\n      - Keys: guide/keys.md\n      - guide/README.md\n  - Elsewhere: https://example.org/\n";

const PAGES: &str = "{ component(ref: \"shop\") { docs { title url openIssues pages { path title breadcrumbs inNav editUrl url } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_for_mkdocs() {
    let served = Served::docs(&[
        ("mkdocs.yml", MKDOCS),
        ("docs/index.md", "# Welcome\n\nSee [keys](guide/keys.md#rotate-the-keys), [all](guide/) and ![us](img/us.png).\n"),
        ("docs/guide/keys.md", "---\ntitle: Keys and locks\n---\n## Rotate the keys\n\nBack [home](../index.md).\n\n## Rotate the keys\n"),
        ("docs/guide/README.md", "Guide\n=====\n"),
        ("docs/more-to-read.md", "text\n"),
        ("docs/img/us.png", "png"),
    ])
    .await;
    assert_json_snapshot!(served.ask(PAGES).await["component"]["docs"], @r#"
    {
      "title": "The shop",
      "url": "/docs/component/default/shop/",
      "openIssues": "https://github.com/acme/shop/issues",
      "pages": [
        {
          "path": "",
          "title": "Welcome",
          "breadcrumbs": [],
          "inNav": true,
          "editUrl": "https://github.com/acme/shop/edit/main/docs/index.md",
          "url": "/docs/component/default/shop/"
        },
        {
          "path": "guide/keys",
          "title": "Keys",
          "breadcrumbs": [
            "Guide"
          ],
          "inNav": true,
          "editUrl": "https://github.com/acme/shop/edit/main/docs/guide/keys.md",
          "url": "/docs/component/default/shop/guide/keys/"
        },
        {
          "path": "guide",
          "title": "Guide",
          "breadcrumbs": [
            "Guide"
          ],
          "inNav": true,
          "editUrl": "https://github.com/acme/shop/edit/main/docs/guide/README.md",
          "url": "/docs/component/default/shop/guide/"
        },
        {
          "path": "more-to-read",
          "title": "More to read",
          "breadcrumbs": [],
          "inNav": false,
          "editUrl": "https://github.com/acme/shop/edit/main/docs/more-to-read.md",
          "url": "/docs/component/default/shop/more-to-read/"
        }
      ]
    }
    "#);
    assert_snapshot!(served.html().await, @r##"
    <h1 id="welcome">Welcome<a class="headerlink" href="#welcome" title="Link to Welcome" rel="noopener noreferrer">#</a></h1>
    <p>See <a href="guide/keys/#rotate-the-keys" rel="noopener noreferrer">keys</a>, <a href="guide/" rel="noopener noreferrer">all</a> and <img src="img/us.png" alt="us">.</p>
    "##);
    let page = served.ask("{ component(ref: \"shop\") { docs { page(path: \"guide/keys.md\") { path toc { level title anchor url } html sections { title anchor text url } } } } }").await;
    assert_json_snapshot!(page["component"]["docs"]["page"], @r##"
    {
      "path": "guide/keys",
      "toc": [
        {
          "level": 2,
          "title": "Rotate the keys",
          "anchor": "rotate-the-keys",
          "url": "/docs/component/default/shop/guide/keys/#rotate-the-keys"
        },
        {
          "level": 2,
          "title": "Rotate the keys",
          "anchor": "rotate-the-keys_1",
          "url": "/docs/component/default/shop/guide/keys/#rotate-the-keys_1"
        }
      ],
      "html": "<h2 id=\"rotate-the-keys\">Rotate the keys<a class=\"headerlink\" href=\"#rotate-the-keys\" title=\"Link to Rotate the keys\" rel=\"noopener noreferrer\">#</a></h2>\n<p>Back <a href=\"../../\" rel=\"noopener noreferrer\">home</a>.</p>\n<h2 id=\"rotate-the-keys_1\">Rotate the keys<a class=\"headerlink\" href=\"#rotate-the-keys_1\" title=\"Link to Rotate the keys\" rel=\"noopener noreferrer\">#</a></h2>\n",
      "sections": [
        {
          "title": "Rotate the keys",
          "anchor": "rotate-the-keys",
          "text": "Back home.",
          "url": "/docs/component/default/shop/guide/keys/#rotate-the-keys"
        },
        {
          "title": "Rotate the keys",
          "anchor": "rotate-the-keys_1",
          "text": "",
          "url": "/docs/component/default/shop/guide/keys/#rotate-the-keys_1"
        }
      ]
    }
    "##);

    let raw = served.ask("{ component(ref: \"shop\") { docs { page(path: \"guide/keys/\") { markdown updatedAt } } } }").await;
    let raw = &raw["component"]["docs"]["page"];
    assert!(
        raw["markdown"].as_str().unwrap().starts_with("---\ntitle"),
        "{raw}"
    );
    assert!(
        raw["updatedAt"].as_str().unwrap().starts_with("20"),
        "{raw}"
    );

    let shown = served.get("guide/keys/").await;
    assert_eq!(shown.status, 200);
    assert!(
        shown.text.contains("aria-current=\"page\">Keys</a>"),
        "{}",
        shown.text
    );
    assert_eq!(served.get("guide/keys").await.header("location"), "keys/");
    assert_eq!(
        served.get("guide/keys.md").await.header("location"),
        "../guide/keys/"
    );
    assert_eq!(served.get("img/us.png").await.text, "png");
    assert_eq!(
        served.get("img/us.png").await.header("content-type"),
        "image/png"
    );
    let missing = served.get("guide/kyes/").await;
    assert_eq!(missing.status, 404);
    assert!(
        missing.text.contains("../../../../../docs/") || missing.text.contains("guide/keys/"),
        "{}",
        missing.text
    );
    let tag = shown.header("etag");
    let again = served
        .fetch(
            "/docs/component/default/shop/guide/keys/",
            &[("if-none-match", tag)],
        )
        .await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let image = "/docs/component/default/shop/img/us.png";
    let shown = served.fetch(image, &[]).await;
    let tag = shown.header("etag");
    let again = served.fetch(image, &[("if-none-match", tag)]).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), tag);
    assert_eq!(
        again.header("content-security-policy"),
        shown.header("content-security-policy")
    );
    served.catalog.write("docs/img/us.png", "another one");
    let other = served.fetch(image, &[("if-none-match", tag)]).await;
    assert_eq!((other.status, other.text.as_str()), (200, "another one"));
    assert_ne!(other.header("etag"), tag);
    // Without a title of its own a page shows that of the navigation, and what leads to the repository.
    let page = served.get("more-to-read/").await.text;
    assert!(page.contains("<h1>More to read</h1>"), "{page}");
    assert!(
        page.contains("https://github.com/acme/shop/issues"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_readme_and_a_folder() {
    let served = Served::docs(&[
        (
            "README.md",
            "# Shop\n\n[Setup](docs/set-up.md), [code](src/main.rs), ![a](art/a.svg)\n",
        ),
        ("docs/set-up.md", "Read [this](../README.md) first.\n"),
        ("src/main.rs", "fn main() {}"),
        ("art/a.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        (".env", "SECRET=1"),
    ])
    .await;
    assert_json_snapshot!(served.ask(PAGES).await["component"]["docs"]["pages"], @r#"
    [
      {
        "path": "",
        "title": "Shop",
        "breadcrumbs": [],
        "inNav": true,
        "editUrl": null,
        "url": "/docs/component/default/shop/"
      },
      {
        "path": "set-up",
        "title": "Set up",
        "breadcrumbs": [],
        "inNav": true,
        "editUrl": null,
        "url": "/docs/component/default/shop/set-up/"
      }
    ]
    "#);
    assert_snapshot!(served.html().await, @r##"
    <h1 id="shop">Shop<a class="headerlink" href="#shop" title="Link to Shop" rel="noopener noreferrer">#</a></h1>
    <p><a href="set-up/" rel="noopener noreferrer">Setup</a>, <span class="broken-link">code</span>, <img src="art/a.svg" alt="a"></p>
    "##);
    for hidden in [
        "src/main.rs",
        ".env",
        "catalog-info.yaml",
        "..%2f..%2fcallboard.db",
    ] {
        assert_eq!(served.get(hidden).await.status, 404, "{hidden}");
    }
    let image = served.get("art/a.svg").await;
    assert_eq!(image.header("content-type"), "image/svg+xml");
    assert!(image.header("content-security-policy").contains("sandbox"));
}

/// A page that changes is there at once, and so is one that comes.
#[tokio::test(flavor = "multi_thread")]
async fn changes_are_seen_at_once() {
    let served = Served::docs(&[("docs/index.md", "one")]).await;
    assert!(served.html().await.contains("one"));
    served.catalog.write("docs/index.md", "another");
    assert!(served.html().await.contains("another"));
    served.catalog.write("docs/new.md", "# New");
    let pages = served.ask(PAGES).await;
    assert_eq!(pages["component"]["docs"]["pages"][1]["title"], "New");
    // What is asked for is called as it is called now.
    served.catalog.write("docs/new.md", "# Newer");
    let page = served.get("new/").await.text;
    assert!(page.contains("<title>Newer"), "{page}");
    assert!(page.contains("Newer</a></li>"), "{page}");
    served.catalog.write("docs/new.md", "# Newest");
    let named = "{ component(ref: \"shop\") { docs { page(path: \"new\") { title } } } }";
    let named = served.ask(named).await;
    assert_eq!(named["component"]["docs"]["page"]["title"], "Newest");
    served.catalog.remove("docs/index.md");
    served.catalog.remove("docs/new.md");
    let gone = served.ask(PAGES).await;
    assert!(gone["component"]["docs"].is_null(), "{gone}");
}

/// How a page is called that nobody asks for is seen soon: its texts are looked at from time to time.
#[tokio::test(flavor = "multi_thread")]
async fn other_pages_are_seen_soon() {
    let served = Served::docs(&[("docs/index.md", "one"), ("docs/new.md", "# New")]).await;
    assert!(served.get("").await.text.contains("New</a></li>"));
    served.catalog.write("docs/new.md", "# Newer");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !served.get("").await.text.contains("Newer</a></li>") {
        assert!(std::time::Instant::now() < until, "it is never seen");
    }
}

/// The same docs under two entities; a cycle ends.
#[tokio::test(flavor = "multi_thread")]
async fn docs_of_another_entity() {
    let descriptors = [
        component("backstage.io/techdocs-ref: dir:./handbook"),
        named(
            "other",
            "backstage.io/techdocs-entity: component:default/shop",
        ),
        named(
            "round",
            "backstage.io/techdocs-entity: component:default/trip",
        ),
        named(
            "trip",
            "backstage.io/techdocs-entity: component:default/round",
        ),
    ]
    .join("---\n");
    let served = Served::start(&[
        ("catalog-info.yaml", &descriptors),
        ("handbook/docs/index.md", "# Ours"),
        ("handbook/docs/runbook.md", "# When it is on fire"),
    ])
    .await;
    let data = served.ask("{ other: component(ref: \"other\") { runbook { url type title } docs { url entity { ref } pages { title url } } } round: component(ref: \"round\") { docs { title } runbook { url } } }").await;
    assert_json_snapshot!(data, @r#"
    {
      "other": {
        "runbook": {
          "url": "/docs/component/default/other/runbook/",
          "type": "runbook",
          "title": "When it is on fire"
        },
        "docs": {
          "url": "/docs/component/default/other/",
          "entity": {
            "ref": "component:default/shop"
          },
          "pages": [
            {
              "title": "Ours",
              "url": "/docs/component/default/other/"
            },
            {
              "title": "When it is on fire",
              "url": "/docs/component/default/other/runbook/"
            }
          ]
        }
      },
      "round": {
        "docs": null,
        "runbook": null
      }
    }
    "#);
    assert_eq!(
        served
            .fetch("/docs/component/default/other/runbook/", &[])
            .await
            .status,
        200
    );
    let all = served.fetch("/docs/", &[]).await;
    assert!(
        all.text.contains("href=\"component/default/other/\""),
        "{}",
        all.text
    );
    assert!(all.text.contains("leads back here"), "{}", all.text);
}
