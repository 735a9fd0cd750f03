using System.Globalization;
using System.Text;

namespace SLoRA.Formats;

/// <summary>
/// What the readers of this folder throw. It does not know whether a model or an adapter is being read: each of the two loaders
/// catches it in one place and rethrows it as its own public exception, with the same kind, file and subject.
/// </summary>
internal sealed class FormatError : Exception
{
    private const int LongestQuote = 200;

    /// <param name="kind">What is wrong.</param>
    /// <param name="file">The path of the file at fault, as the host program would know it.</param>
    /// <param name="subject">The tensor, key or file name at fault, or null if the whole file is.</param>
    /// <param name="problem">The rest of a sentence that begins with the subject (or, without one, with the file).</param>
    /// <param name="cause">The error underneath, if there is one.</param>
    public FormatError(LoadErrorKind kind, string file, string? subject, string problem, Exception? cause = null)
        : base(subject is null ? $"{file}: {problem}" : $"{file}: {Quote(subject)} {problem}", cause)
    {
        Kind = kind;
        File = file;
        Subject = subject;
    }

    public LoadErrorKind Kind { get; }

    public string File { get; }

    public string? Subject { get; }

    /// <summary>A name out of a file that nobody vouches for, in quotes, on one line and not longer than a line can bear.</summary>
    public static string Quote(string name)
    {
        var text = new StringBuilder("'", Math.Min(name.Length, LongestQuote) + 8);
        foreach (char c in name.AsSpan(0, Math.Min(name.Length, LongestQuote)))
        {
            if (char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029')
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                text.Append(c);
        }

        return text.Append(name.Length > LongestQuote ? "…'" : "'").ToString();
    }
}
