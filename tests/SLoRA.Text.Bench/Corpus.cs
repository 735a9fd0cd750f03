using System.Text;

namespace SLoRA.Text.Bench;

/// <summary>Texts to measure with.</summary>
internal static class Corpus
{
    /// <summary>All files of the repository that match, one after another.</summary>
    public static string Read(string pattern)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "SLoRA.Core.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        if (folder is null)
        {
            throw new DirectoryNotFoundException("The benchmark runs outside the repository.");
        }

        var text = new StringBuilder();
        foreach (string file in Directory.GetFiles(folder, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (!file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
            {
                text.Append(File.ReadAllText(file));
            }
        }

        return text.ToString();
    }

    /// <summary>Texts of about a megabyte that a quadratic step would never end on.</summary>
    public static IEnumerable<(string Name, string Text)> Long()
    {
        const int Size = 1 << 20;
        yield return ("one word", string.Concat(Enumerable.Repeat("supercalifragilistic", Size / 20)));
        yield return ("one letter", new string('a', Size));
        yield return ("spaces", new string(' ', Size));
        yield return ("line breaks", new string('\n', Size));
        yield return ("digits", string.Concat(Enumerable.Repeat("1234567890", Size / 10)));
        yield return ("emoji", string.Concat(Enumerable.Repeat("😀👍🏽", Size / 12)));
        yield return ("Chinese", string.Concat(Enumerable.Repeat("你好世界今天天气", Size / 24)));
        yield return ("signs", string.Concat(Enumerable.Repeat("()[]{}<>!?", Size / 10)));
        yield return ("marks", "e" + new string('\u0301', Size / 2));
    }
}
