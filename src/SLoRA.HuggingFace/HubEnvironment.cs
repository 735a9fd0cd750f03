using System.Globalization;
using System.Text.RegularExpressions;

namespace SLoRA.HuggingFace;

/// <summary>
/// What the environment says about the Hub, by the variables that its Python client reads. A variable that is set but empty counts as not
/// set.
/// </summary>
/// <param name="variable">Reads a variable.</param>
/// <param name="home">The user's own folder.</param>
internal sealed partial class HubEnvironment(Func<string, string?> variable, string home)
{
    private static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(10);

    /// <summary>That of this process.</summary>
    public static HubEnvironment Current { get; } =
        new(
            Environment.GetEnvironmentVariable,
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify));

    /// <summary>The folder of the cache.</summary>
    public string Cache => Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(Home, "hub");

    /// <summary>The address of the Hub; one that is none if the variable holds none.</summary>
    public Uri Endpoint => new(Read("HF_ENDPOINT") ?? "https://huggingface.co", UriKind.RelativeOrAbsolute);

    /// <summary>Whether the network must not be used.</summary>
    public bool Offline => IsTrue(Read("HF_HUB_OFFLINE") ?? Read("TRANSFORMERS_OFFLINE"));

    /// <summary>Whether snapshots may consist of symbolic links, where the system has them.</summary>
    public bool UsesLinks => !IsTrue(Read("HF_HUB_DISABLE_SYMLINKS"));

    /// <summary>How long the Hub may take to begin an answer.</summary>
    public TimeSpan AnswerTimeout => Seconds("HF_HUB_ETAG_TIMEOUT");

    /// <summary>How long the next bytes of a file may take.</summary>
    public TimeSpan ReadTimeout => Seconds("HF_HUB_DOWNLOAD_TIMEOUT");

    /// <summary>
    /// The token, from a variable or from the file that a login leaves; null when there is none, or none may be taken unasked.
    /// </summary>
    public string? Token => IsTrue(Read("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
        ? null
        : Clean(Read("HF_TOKEN")) ?? Clean(Read("HUGGING_FACE_HUB_TOKEN")) ?? TokenOfFile();

    /// <summary>The file that a login leaves.</summary>
    internal string TokenFile => Folder("HF_TOKEN_PATH") ?? Path.Combine(Home, "token");

    private string Home =>
        Folder("HF_HOME") ?? Path.Combine(Folder("XDG_CACHE_HOME") ?? Path.Combine(home, ".cache"), "huggingface");

    /// <summary>A token without the line breaks and blanks that come with copying; null when nothing is left.</summary>
    internal static string? Clean(string? token)
    {
        string? clean = token?.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal).Trim();
        return string.IsNullOrEmpty(clean) ? null : clean;
    }

    private static bool IsTrue(string? value) => value?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    private string? Read(string name) => variable(name) is { Length: > 0 } value ? value : null;

    private string? Folder(string name)
    {
        if (Read(name) is not { } path)
        {
            return null;
        }

        string expanded = Variable().Replace(
            path, match => variable(match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value) ?? match.Value);
        bool isHome = expanded == "~" || expanded.StartsWith("~/", StringComparison.Ordinal)
            || expanded.StartsWith("~\\", StringComparison.Ordinal);
        return Path.GetFullPath(isHome ? home + expanded[1..] : expanded);
    }

    private TimeSpan Seconds(string name) =>
        int.TryParse(Read(name), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : UsualTimeout;

    private string? TokenOfFile()
    {
        try
        {
            return Clean(File.ReadAllText(TokenFile));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([^}]+)\})")]
    private static partial Regex Variable();
}
