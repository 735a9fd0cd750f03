using System.Text.RegularExpressions;
using SLoRA.Errors;

namespace SLoRA.Formats.Peft;

/// <summary>
/// A regular expression as Python's <c>re</c> module understands it, run by .NET's engine. It comes from an adapter's configuration, which
/// nobody vouches for: expressions that only describe a language run without backtracking, in time linear in the text, and the
/// others (look-around, back-references, possessive loops) under a time budget that all expressions of one adapter share.
/// </summary>
internal sealed class PythonRegex
{
    /// <summary>The longest expression that is read. Trainers that list every module of a large model stay far below.</summary>
    public const int LongestExpression = 1 << 16;

    private readonly Regex _regex;
    private readonly RegexBudget _budget;
    private readonly string _file;
    private readonly string _key;

    private PythonRegex(Regex regex, RegexBudget budget, string file, string key)
    {
        _regex = regex;
        _budget = budget;
        _file = file;
        _key = key;
    }

    /// <summary>An expression that must match the whole text, as <c>re.fullmatch</c> does.</summary>
    /// <param name="expression">Python's syntax.</param>
    /// <param name="budget">The time that it shares with the adapter's other expressions.</param>
    /// <param name="file">The configuration file, for errors.</param>
    /// <param name="key">The key under which the expression stands, for errors.</param>
    /// <exception cref="FormatError">
    /// Python would refuse the expression, or it asks for something that .NET cannot do (kind <see cref="LoadErrorKind.Config"/>).
    /// </exception>
    public static PythonRegex FullMatch(string expression, RegexBudget budget, string file, string key) =>
        Create(expression, text => $@"\A(?:{text})\z", budget, file, key);

    /// <summary>An expression that must match at the start of the text, as <c>re.match</c> does.</summary>
    /// <inheritdoc cref="FullMatch"/>
    public static PythonRegex Match(string expression, RegexBudget budget, string file, string key) =>
        Create(expression, text => $@"\A(?:{text})", budget, file, key);

    /// <summary>Whether the text matches.</summary>
    /// <exception cref="FormatError">The budget is used up.</exception>
    public bool IsMatch(string text)
    {
        try
        {
            using RegexBudget.Work work = _budget.Begin(IsLinear);
            return _regex.IsMatch(text);
        }
        catch (Exception error) when (IsOfEngine(error))
        {
            throw Refusal(_file, _key, error);
        }
    }

    /// <summary>What the group of this number holds; null if the text does not match.</summary>
    /// <exception cref="FormatError">The budget is used up.</exception>
    public string? Group(string text, int group)
    {
        try
        {
            using RegexBudget.Work work = _budget.Begin(IsLinear);
            return _regex.Match(text) is { Success: true } match ? match.Groups[group].Value : null;
        }
        catch (Exception error) when (IsOfEngine(error))
        {
            throw Refusal(_file, _key, error);
        }
    }

    private bool IsLinear => _regex.Options.HasFlag(RegexOptions.NonBacktracking);

    private static PythonRegex Create(string expression, Func<string, string> anchor, RegexBudget budget, string file, string key)
    {
        if (expression.Length > LongestExpression)
        {
            throw new FormatError(
                LoadErrorKind.Config, file, key, $"has an expression of {expression.Length} characters; {LongestExpression} are read");
        }

        try
        {
            using RegexBudget.Work work = budget.Begin(isLinear: true);
            var translator = new PythonRegexTranslator(expression);
            string text = anchor(translator.Translate());
            return new PythonRegex(Compile(text, translator.NeedsBacktracking), budget, file, key);
        }
        catch (Exception error) when (IsOfEngine(error))
        {
            throw Refusal(file, key, error);
        }
    }

    private static Regex Compile(string text, bool backtracking)
    {
        if (!backtracking)
        {
            try
            {
                return new Regex(text, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, RegexBudget.Linear);
            }
            catch (NotSupportedException)
            {
                // Too large for an automaton, as a list of all modules of a large model can be: the budget bounds it then.
            }
        }

        return new Regex(text, RegexOptions.CultureInvariant, RegexBudget.LongestMatch);
    }

    // Whatever the engine throws at an expression of a stranger is that expression's fault; only running out of memory or of time for the
    // whole reading is not.
    private static bool IsOfEngine(Exception error) => error is not (FormatError or OperationCanceledException or OutOfMemoryException);

    private static FormatError Refusal(string file, string key, Exception error) => error is RegexMatchTimeoutException
        ? new FormatError(
            LoadErrorKind.Config, file, key, "is a regular expression with which those of this adapter take too long, or too much memory, "
                + "on the names of this model's modules", error)
        : new FormatError(
            LoadErrorKind.Config, file, key, $"is not a regular expression that can be used: {Shown.Text(error.Message)}", error);
}
