using System.Diagnostics;
using System.Text.RegularExpressions;

namespace SLoRA.Formats.Peft;

/// <summary>The time that all regular expressions of one adapter may take together. Not for several threads at once.</summary>
internal sealed class RegexBudget
{
    /// <summary>The longest that one expression may work on one name.</summary>
    public static readonly TimeSpan LongestMatch = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest that all of them may work.</summary>
    public static readonly TimeSpan Whole = TimeSpan.FromMilliseconds(400);

    private TimeSpan _used;

    /// <summary>Runs one match.</summary>
    /// <exception cref="RegexMatchTimeoutException">The time of this match or of all of them together is used up.</exception>
    public T Run<T>(Func<T> match)
    {
        if (_used > Whole)
            throw new RegexMatchTimeoutException();
        long start = Stopwatch.GetTimestamp();
        try
        {
            return match();
        }
        finally
        {
            _used += Stopwatch.GetElapsedTime(start);
        }
    }
}
