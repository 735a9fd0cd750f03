using System.Text.Json;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies;

/// <summary>Reads declared tools as OpenAI writes them.</summary>
internal static class ToolFile
{
    /// <summary>The tools of the fixtures in the repository.</summary>
    public static IReadOnlyList<ToolDeclaration> Own { get; } = Read(Path.Combine(RepositoryFolder.Fixtures, "toolcalls", "tools.json"));

    public static IReadOnlyList<ToolDeclaration> Read(string path) =>
    [
        .. JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.EnumerateArray().Select(tool => tool.GetProperty("function"))
            .Select(function => new ToolDeclaration(function.GetProperty("name").GetString()!, function.GetProperty("parameters"))),
    ];
}
