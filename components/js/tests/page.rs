//! Pages: a document, its scripts, and its events.

mod common;

use common::UserAgent;

#[test]
fn scripts_run_in_the_order_of_the_page_with_its_document_there() {
    let html = "<title> A  page </title><p id=p class=c>text<b>bold</b></p>
        <script>
          const seen = [document.readyState, document.title, document.getElementById('p').textContent];
          document.addEventListener('DOMContentLoaded', () => seen.push('parsed'));
          addEventListener('load', () => tell(seen.concat('load', document.readyState).join()));
        </script>
        <script type=module>seen.push('module ' + (this === undefined));</script>
        <script>
          const meta = document.createElement('meta');
          meta.setAttribute('name', 'n');
          document.head.appendChild(meta);
          seen.push(meta instanceof HTMLMetaElement, meta.name, meta.parentNode === document.head, meta.isConnected);
          seen.push(document.location === location);
          try { meta.appendChild(document.head); } catch (error) { seen.push(error.name); }
        </script>";
    let user_agent = UserAgent::new();
    let page = user_agent.html_page("https://site.example/page", html);
    let expected = "loading,A page,textbold,true,n,true,true,true,HierarchyRequestError,module true,parsed,load,complete";
    let told = page.told();
    assert_eq!(told, expected, "{:?}", user_agent.lines());
}
