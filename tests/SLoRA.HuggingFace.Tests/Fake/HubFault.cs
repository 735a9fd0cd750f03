using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>What goes wrong with the next requests that it matches.</summary>
internal sealed class HubFault
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool AtCdn { get; init; }

    public string? Method { get; init; }

    public string Match { get; init; } = ".";

    /// <summary>Requests that it still concerns.</summary>
    public int Times { get; set; } = 1;

    /// <summary>An answer of this status, and nothing else.</summary>
    public int? Status { get; init; }

    public Dictionary<string, string> Headers { get; init; } = [];

    /// <summary>Headers that are another, or missing.</summary>
    public Dictionary<string, string?> Set { get; init; } = [];

    /// <summary>The connection breaks after so many bytes of the body.</summary>
    public int? Cut { get; init; }

    /// <summary>The body stops after so many bytes, until <see cref="Release"/>.</summary>
    public int? Hold { get; init; }

    /// <summary>The answer does not come until <see cref="Release"/>.</summary>
    public bool Stall { get; init; }

    /// <summary>The body has so many bytes.</summary>
    public int? Size { get; init; }

    /// <summary>The body has other bytes.</summary>
    public bool Corrupt { get; init; }

    /// <summary>The body is compressed, whatever the client accepts.</summary>
    public bool Gzip { get; init; }

    /// <summary>The whole body comes, whatever range was asked for.</summary>
    public bool IgnoreRange { get; init; }

    /// <summary>Ends when a request has come as far as the fault.</summary>
    public Task Reached => _reached.Task;

    /// <summary>A fault as a transcript describes it; what takes time there takes none here.</summary>
    public static HubFault Of(JsonObject json) => new()
    {
        Status = (int?)json["status"],
        Headers = json["headers"]?.AsObject().ToDictionary(pair => pair.Key, pair => (string)pair.Value!) ?? [],
        Set = json["set"]?.AsObject().ToDictionary(pair => pair.Key, pair => (string?)pair.Value) ?? [],
        Cut = (int?)json["cut"],
        Size = (int?)json["size"],
        Corrupt = json["corrupt"] is not null,
        Gzip = json["gzip"] is not null,
        IgnoreRange = json["ignore_range"] is not null,
    };

    public bool Concerns(bool atCdn, string method, string target) =>
        Times > 0 && AtCdn == atCdn && (Method is null || Method == method) && Regex.IsMatch(target, Match);

    /// <summary>Lets what waits go on.</summary>
    public void Release() => _released.TrySetResult();

    /// <summary>Waits for <see cref="Release"/>, or until the client has gone.</summary>
    public async Task WaitAsync(CancellationToken gone)
    {
        _reached.TrySetResult();
        await _released.Task.WaitAsync(gone);
    }
}
