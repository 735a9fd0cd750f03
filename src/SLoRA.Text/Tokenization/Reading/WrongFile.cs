using System.Text;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Recognizes what lies where a text file of a tokenizer is expected, so that the error says what it is and what to do.</summary>
internal static class WrongFile
{
    /// <summary>What to do with another form of a tokenizer.</summary>
    public const string ConvertIt =
        "make a tokenizer.json of it with AutoTokenizer.from_pretrained(folder).save_pretrained(folder) of transformers";
    private const string DownloadAgain = "download the file again";

    /// <summary>What the content is when it was never downloaded, and what to do; null when it may be any text.</summary>
    public static string? DescribeDownload(ReadOnlySpan<byte> content)
    {
        if (content.StartsWith("version https://git-lfs.github.com/spec/"u8))
        {
            return $"a Git LFS pointer: the content was never downloaded. Run `git lfs pull` in the folder, or {DownloadAgain}.";
        }

        string text = Start(content);
        bool isPage = text.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase);
        return isPage ? $"a web page; {DownloadAgain}, from its address for downloads." : null;
    }

    /// <summary>What the content is, and what to do; null when it may be JSON.</summary>
    public static string? Describe(ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty)
        {
            return $"empty; {DownloadAgain}.";
        }

        if (DescribeDownload(content) is string download)
        {
            return download;
        }

        if (content.StartsWith("GGUF"u8))
        {
            return "a GGUF model; its tokenizer is inside. Take the tokenizer.json of the original model.";
        }

        if (content.StartsWith("PK\x03\x04"u8) || content is [0x1F, 0x8B, ..])
        {
            return "an archive; unpack it first.";
        }

        if (content is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            return "written in UTF-16; save it as UTF-8.";
        }

        ReadOnlySpan<byte> start = content[..Math.Min(content.Length, 256)];
        // A safetensors file starts with the length of its header, a SentencePiece model with a piece as a protobuf message.
        if (start.Length > 9 && start[8] == '{'
            && start[..8].Contains((byte)0))
        {
            return "a safetensors file; take the tokenizer.json of the model.";
        }

        if (start is [0x0A, _, 0x0A, ..] && start.Contains((byte)0x15))
        {
            return $"a SentencePiece model (tokenizer.model); {ConvertIt}.";
        }

        return IsRanks(Start(content)) ? $"a tiktoken file of tokens in base64; {ConvertIt}." : null;
    }

    /// <summary>
    /// What an object with these members seems to be in place of a tokenizer.json, as a part of a sentence; empty when nothing is known.
    /// </summary>
    public static string DescribeMembers(IReadOnlySet<string> members)
    {
        if (members.Contains("tokenizer_class")
            || members.Contains("added_tokens_decoder"))
        {
            return "; it seems to be a tokenizer_config.json";
        }

        if (members.Contains("architectures") || members.Contains("model_type"))
        {
            return "; it seems to be the config.json of a model";
        }

        if (members.Contains("vocab") && members.Contains("config"))
        {
            return $"; it seems to be a tekken.json; {ConvertIt}";
        }

        if (members.Count > 200)
        {
            return $"; it seems to be a vocab.json; {ConvertIt}";
        }

        return members.Contains("bos_token") || members.Contains("eos_token") ? "; it seems to be a special_tokens_map.json" : "";
    }

    // The first characters, without a byte order mark and white space.
    private static string Start(ReadOnlySpan<byte> content) =>
        Encoding.Latin1.GetString(content[..Math.Min(content.Length, 256)]).TrimStart('\u00EF', '\u00BB', '\u00BF').TrimStart();

    // Lines of base64, a space and a rank: "IQ== 0".
    private static bool IsRanks(string text)
    {
        int end = text.IndexOf('\n');
        string[] line = (end < 0 ? text : text[..end]).TrimEnd('\r').Split(' ');
        return line.Length == 2 && line[1].Length > 0 && line[1].All(char.IsAsciiDigit)
            && Convert.TryFromBase64String(line[0], new byte[256], out int length) && length > 0;
    }
}
