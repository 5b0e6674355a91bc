/** Vite: the URL of a file. */
declare module '*?url' {
  const url: string;
  // biome-ignore lint/style/noDefaultExport: Vite decides how it is exported.
  export default url;
}
