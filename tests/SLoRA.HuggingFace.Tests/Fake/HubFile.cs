using System.Text.Json.Nodes;

namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>A file of the fake Hub.</summary>
internal sealed class HubFile(string path, JsonObject json)
{
    private byte[]? _bytes;

    public string Path { get; } = path;

    public string Store { get; } = (string)json["store"]!;

    public bool IsGit => Store == "git";

    public int Size { get; } = (int)json["size"]!;

    public string Sha256 { get; } = (string)json["sha256"]!;

    public string GitId { get; } = (string)json["git_oid"]!;

    public string Etag { get; } = (string)json["etag"]!;

    public bool HasWeakEtag { get; } = json["weak_etag"] is { } weak && (bool)weak!;

    public int? PointerSize { get; } = (int?)json["pointer_size"];

    public string? XetHash { get; } = (string?)json["xet_hash"];

    public string QuotedEtag => (HasWeakEtag ? "W/" : "") + $"\"{Etag}\"";

    public byte[] Bytes => _bytes ??= HubContent.Bytes(json["content"]!.AsArray());
}
