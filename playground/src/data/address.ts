/** The address of something of the server, wherever its root is: `index.html` says so in its `<base>`. */
export function address(path: string): URL {
  return new URL(path, document.baseURI);
}
