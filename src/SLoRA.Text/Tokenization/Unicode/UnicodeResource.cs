namespace SLoRA.Text.Tokenization.Unicode;

/// <summary>Reads the tables of Unicode data that are embedded in the library: lines of fields, # starts a comment.</summary>
internal static class UnicodeResource
{
    public static IEnumerable<string[]> Lines(string name)
    {
        using Stream stream = typeof(UnicodeResource).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The library lacks its resource {name}.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is string line)
        {
            if (!line.StartsWith('#') && line.Length > 0)
            {
                yield return line.Split(' ');
            }
        }
    }

    public static int Hex(string field) => Convert.ToInt32(field, 16);
}
