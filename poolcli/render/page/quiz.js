// Answers to an exercise: typed text is a number that is right, wrong or nearly right, or it cannot be read.

const Quiz = (() => {
  const LEAST_DECIMALS = 2; // of a rounded answer

  const PLAIN = /^[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:e[+-]?\d+)?$/i;
  const WORDS = { nan: NaN, inf: Infinity, "+inf": Infinity, "-inf": -Infinity, infinity: Infinity, "-infinity": -Infinity };

  // The number and its decimals, or null if it is not a number. 0,5, .5, 1/2 and 2 1/2 are numbers.
  function read(text) {
    const typed = text.trim().replaceAll("\u2212", "-").replace(/\s+/g, " ");
    const word = typed.toLowerCase();
    if (Object.hasOwn(WORDS, word)) return { value: WORDS[word], exact: true, decimals: 0 };
    const share = /^([+-]?)(?:(\d+) )?(\d+) ?\/ ?(\d+)$/.exec(typed);
    if (share) {
      const [, sign, whole, above, below] = share;
      if (Number(below) === 0) return null;
      const value = Number(whole || 0) + Number(above) / Number(below);
      return { value: sign === "-" ? -value : value, exact: true, decimals: 0 };
    }
    if (!PLAIN.test(typed)) return null;
    const plain = typed.replace(",", ".");
    return { value: Number(plain), exact: false, decimals: (/\.(\d*)/.exec(plain) || ["", ""])[1].length };
  }

  const near = (a, b) => a === b || (Number.isFinite(a - b) && Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)));

  // The verdict on an answer: "right", "wrong", "rounded" (too much to tell), or "unread".
  function judge(text, result) {
    const answer = read(text);
    if (answer === null) return "unread";
    if (near(answer.value, result) || (Number.isNaN(answer.value) && Number.isNaN(result))) return "right";
    if (answer.exact || /e/i.test(text)) return "wrong";
    const close = Math.abs(answer.value - result) <= 0.5 * 10 ** -answer.decimals * (1 + 1e-9);
    if (!close) return "wrong";
    return answer.decimals >= LEAST_DECIMALS ? "right" : "rounded";
  }

  return Object.freeze({ read, judge });
})();
