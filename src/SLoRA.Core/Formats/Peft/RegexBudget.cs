using System.Diagnostics;
using System.Text.RegularExpressions;

namespace SLoRA.Formats.Peft;

/// <summary>
/// What all regular expressions of one adapter may take together, from building them to the last match: bytes allocated, and time. Not for
/// several threads at once. Time is measured by the wall clock, which goes on while a busy machine runs others: so work that is linear in
/// the text, which nearly all is, has a bound that only a hostile configuration reaches, and matches that backtrack a tight one. A hostile
/// configuration of many small expressions meets the bound on bytes first.
/// </summary>
/// <param name="pause">Called before each piece of work, so that others can work meanwhile; what it takes does not count. Null for
/// nobody.</param>
internal sealed class RegexBudget(Action? pause = null)
{
    /// <summary>
    /// The most bytes allocated before one more piece of work is refused. An expression without backtracking takes some 300 KB, the longest
    /// that is read 25 MB.
    /// </summary>
    public const long MostBytes = 32L << 20;

    /// <summary>The longest that one match which backtracks may work on one name.</summary>
    public static readonly TimeSpan LongestMatch = TimeSpan.FromMilliseconds(400);

    /// <summary>The longest that all matches which backtrack may work before one more is refused.</summary>
    public static readonly TimeSpan Backtracking = TimeSpan.FromMilliseconds(400);

    /// <summary>The longest that building expressions and linear matches may work together.</summary>
    public static readonly TimeSpan Linear = TimeSpan.FromSeconds(10);

    private TimeSpan _linear;
    private TimeSpan _backtracking;
    private long _bytes;

    /// <summary>Begins one piece of work: building an expression, or a match.</summary>
    /// <param name="isLinear">Whether it takes time in proportion to the text.</param>
    /// <exception cref="RegexMatchTimeoutException">The time of all work of its kind, or the bytes of all work, are used up.</exception>
    public Work Begin(bool isLinear)
    {
        pause?.Invoke();
        return _bytes <= MostBytes && (isLinear ? _linear <= Linear : _backtracking <= Backtracking)
            ? new Work(this, isLinear)
            : throw new RegexMatchTimeoutException();
    }

    private void End(bool isLinear, TimeSpan took, long allocated)
    {
        _bytes += allocated;
        if (isLinear)
        {
            _linear += took;
        }
        else
        {
            _backtracking += took;
        }
    }

    /// <summary>A piece of work, from its beginning to its disposal.</summary>
    internal readonly struct Work(RegexBudget budget, bool isLinear) : IDisposable
    {
        private readonly long _began = Stopwatch.GetTimestamp();
        private readonly long _allocated = GC.GetAllocatedBytesForCurrentThread();

        /// <inheritdoc/>
        public void Dispose() =>
            budget.End(isLinear, Stopwatch.GetElapsedTime(_began), GC.GetAllocatedBytesForCurrentThread() - _allocated);
    }
}
