using System.Text.Json.Nodes;

namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>A repository of the fake Hub.</summary>
internal sealed class HubRepository
{
    public HubRepository(string name, JsonObject json)
    {
        Name = name;
        IsPrivate = (bool)json["private"]!;
        Gated = json["gated"]!;
        ResolvesByCache = json["resolve_cache"] is { } resolves && (bool)resolves;
        Refs = json["refs"]!.AsObject().ToDictionary(pair => pair.Key, pair => (string)pair.Value!);
        Later = json["later"]?.AsObject().ToDictionary(pair => pair.Key, pair => (string)pair.Value!) ?? [];
        foreach ((string commit, JsonNode? node) in json["commits"]!.AsObject())
        {
            Commits.Add(
                commit,
                node!["files"]!.AsObject()
                    .ToDictionary(file => file.Key, file => new HubFile(file.Key, file.Value!.AsObject()), StringComparer.Ordinal));
        }
    }

    public string Name { get; }

    public bool IsPrivate { get; }

    public JsonNode Gated { get; }

    public bool IsGated => Gated.GetValueKind() == System.Text.Json.JsonValueKind.String;

    public bool ResolvesByCache { get; }

    public Dictionary<string, string> Refs { get; }

    /// <summary>Where refs move to.</summary>
    public Dictionary<string, string> Later { get; }

    public Dictionary<string, Dictionary<string, HubFile>> Commits { get; } = [];

    /// <summary>The commit of a revision, by name, whole or shortened.</summary>
    public string? CommitOf(string revision) =>
        Refs.GetValueOrDefault(revision)
        ?? Commits.Keys.FirstOrDefault(commit => revision.Length >= 7 && commit.StartsWith(revision, StringComparison.Ordinal));
}
