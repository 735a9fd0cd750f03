using System.Text.Json;
using System.Text.RegularExpressions;

namespace Samples;

/// <summary>
/// What people give where a folder of files, or a GGUF file, is expected: a name from the Hugging Face Hub, a file of the folder, a folder
/// around it, an adapter in the place of its model. Says what it is and what to do. Whether the folder's files are good is the engine's to
/// say.
/// </summary>
internal static partial class FolderArgument
{
    private const string ModelFile = "config.json";
    private const string AdapterFile = "adapter_config.json";

    /// <summary>Checks the value of --model.</summary>
    /// <exception cref="UsageException">It is something else.</exception>
    public static void CheckModel(string path)
    {
        const string Argument = "--model";
        CheckFolder(Argument, path, ModelFile);
        if (!Directory.Exists(path) || Holds(path, ModelFile))
        {
            return;
        }

        if (Holds(path, AdapterFile))
        {
            string itsBase = BaseModelOf(path) is { } name ? $"'{name}'" : "the model that it was trained on";
            throw new UsageException(
                $"{Argument} is '{path}', a LoRA adapter. Give {itsBase} as {Argument} DIR, and this folder as --adapter NAME={path}.");
        }
    }

    /// <summary>Reads the values of --adapter, NAME=DIR each.</summary>
    /// <param name="adapters">The values.</param>
    /// <param name="taken">A name that is none of an adapter.</param>
    /// <exception cref="UsageException">One has another form, a name that is taken, or something else than an adapter's folder.</exception>
    public static IReadOnlyList<(string Name, string Folder)> ReadAdapters(IReadOnlyList<string> adapters, string? taken)
    {
        var named = new List<(string Name, string Folder)>();
        foreach (string adapter in adapters)
        {
            string[] parts = adapter.Split('=', 2);
            if (parts is not [{ Length: > 0 } name, { Length: > 0 } folder])
            {
                throw new UsageException($"--adapter is '{adapter}'; it must be NAME=DIR.");
            }

            if (name == taken || named.Any(other => other.Name == name))
            {
                throw new UsageException($"--adapter names '{name}', which is taken; choose another name.");
            }

            CheckFolder($"--adapter {name}", folder, AdapterFile);
            named.Add((name, folder));
        }

        return named;
    }

    private static void CheckFolder(string argument, string path, string configuration)
    {
        if (File.Exists(path))
        {
            if (IsGguf(path))
            {
                return;
            }

            throw new UsageException($"{argument} is '{path}', a file; give the folder that holds it and {configuration}, or a GGUF file.");
        }

        if (Directory.Exists(path))
        {
            // Among them the Hub's own cache: models--OWNER--NAME/snapshots/COMMIT.
            if (!Holds(path, ModelFile) && !Holds(path, AdapterFile) && FolderWithin(path, configuration) is { } inner)
            {
                throw new UsageException($"{argument} is '{path}', which has no {configuration}; give the folder inside that has: {inner}");
            }
        }
        else if (HubName().Match(path) is { Success: true } hub)
        {
            string id = hub.Groups["id"].Value;
            throw new UsageException(
                $"{argument} is '{path}', which is no folder here. If '{id}' is a name on the Hugging Face Hub, download it first: "
                + $"hf download {id} --local-dir {id.Split('/')[1]}");
        }
    }

    private static bool Holds(string folder, string file) => File.Exists(Path.Combine(folder, file));

    /// <summary>The latest folder within, or within its snapshots, that has a file.</summary>
    private static string? FolderWithin(string folder, string file) => ((string[])[folder, Path.Combine(folder, "snapshots")])
        .Where(Directory.Exists)
        .SelectMany(Directory.EnumerateDirectories)
        .Where(inner => Holds(inner, file))
        .MaxBy(Directory.GetLastWriteTimeUtc);

    private static bool IsGguf(string file)
    {
        using FileStream stream = File.OpenRead(file);
        byte[] magic = new byte[4];
        return stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.AsSpan().SequenceEqual("GGUF"u8);
    }

    /// <summary>What an adapter says that it was trained on; null when it does not.</summary>
    private static string? BaseModelOf(string adapter)
    {
        try
        {
            using FileStream stream = File.OpenRead(Path.Combine(adapter, AdapterFile));
            using var configuration = JsonDocument.Parse(stream);
            return configuration.RootElement.GetProperty("base_model_name_or_path").GetString() is { Length: > 0 } name ? name : null;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>OWNER/NAME, or its address.</summary>
    [GeneratedRegex(@"^(https?://(huggingface\.co|hf\.co)/|hf://)?(?<id>[\w-][\w.-]*/[\w-][\w.-]*)(/(tree|blob)/.*)?/?$")]
    private static partial Regex HubName();
}
