using System.Diagnostics;
using System.Text.RegularExpressions;

namespace SLoRA.Formats.Peft;

/// <summary>
/// The time that all regular expressions of one adapter may take together. Not for several threads at once. It is measured by the wall clock, which
/// goes on while a busy machine runs others: so matches that are linear in the text, which nearly all are, have a bound that only a hostile
/// configuration reaches, and those that backtrack a tight one.
/// </summary>
internal sealed class RegexBudget
{
    /// <summary>The longest that one match which backtracks may work on one name.</summary>
    public static readonly TimeSpan LongestMatch = TimeSpan.FromMilliseconds(400);

    /// <summary>The longest that all matches which backtrack may work before one more is refused.</summary>
    public static readonly TimeSpan Backtracking = TimeSpan.FromMilliseconds(400);

    /// <summary>The longest that all linear matches may work.</summary>
    public static readonly TimeSpan Linear = TimeSpan.FromSeconds(10);

    private TimeSpan _linear;
    private TimeSpan _backtracking;

    /// <summary>Runs one match.</summary>
    /// <exception cref="RegexMatchTimeoutException">The time of this match or of all of its kind together is used up.</exception>
    public T Run<T>(bool isLinear, Func<T> match)
    {
        if (isLinear ? _linear > Linear : _backtracking > Backtracking)
            throw new RegexMatchTimeoutException();
        long start = Stopwatch.GetTimestamp();
        try
        {
            return match();
        }
        finally
        {
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            if (isLinear)
                _linear += took;
            else
                _backtracking += took;
        }
    }
}
