/** Variables in texts, exactly as prompts/rules.py finds them: {{name}}, and \{{name}} stays text. */

const NAME_LENGTH = 100;
const PATTERN = new RegExp(
  String.raw`(?<!\\)(\\*)\{\{[ \t]*([A-Za-z_][A-Za-z0-9_.-]{0,${NAME_LENGTH - 1}})[ \t]*\}\}`,
  "g",
);

/**
 * Find the variables of a text.
 * @param {string} text
 * @returns {{name: string, start: number, end: number}[]} each with its braces' place in the text
 */
export function placeholders(text) {
  return [...text.matchAll(PATTERN)]
    .filter((match) => match[1].length % 2 === 0)
    .map((match) => ({
      name: match[2],
      start: match.index + match[1].length,
      end: match.index + match[0].length,
    }));
}

/** @param {unknown} content a message's content @returns {string[]} its texts */
function textsOf(content) {
  if (typeof content === "string") return [content];
  if (!Array.isArray(content)) return [];
  return content.map((part) => part?.text).filter((text) => typeof text === "string");
}

/**
 * Return the names of the variables in messages, in order of first appearance.
 * @param {{content: unknown}[]} messages
 * @returns {string[]}
 */
export function variableNames(messages) {
  const texts = messages.flatMap(({ content }) => textsOf(content));
  return [...new Set(texts.flatMap((text) => placeholders(text).map(({ name }) => name)))];
}
