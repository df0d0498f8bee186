/** What a file is that came in place of the one that was asked for, for messages. */
export const WEB_PAGE =
  'it is a web page, as servers send when a quota is used up; try again later, or fetch it by hand';

/** Whether the beginning of a file is that of a web page. */
export function isWebPage(beginning: string): boolean {
  return /^\s*<(!doctype html|html|head)/i.test(beginning);
}
