using System.Text.Json;
using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Selection;

namespace SLoRA.HuggingFace.Protocol;

/// <summary>What the Hub says about a repository: which commit a revision is, which files a commit has, and what one file is.</summary>
internal sealed class RepositoryApi(HubConnection connection, HubOptions options, RepositoryId repository)
{
    private const int MostPages = 2000;
    private const int MostFiles = 500_000;

    /// <summary>The commit that a revision is at this moment.</summary>
    public async Task<string> CommitOfAsync(Revision revision, int attempts, Action? waits, CancellationToken cancellation)
    {
        string subject = $"{repository} at {Shown.Name(revision.Value)}";
        Uri address = connection.AddressOf($"/api/models/{repository}/revision/{Uri.EscapeDataString(revision.Value)}");
        var request = new HubRequest(HttpMethod.Get, address, subject) { Attempts = attempts, Waits = waits };
        using JsonDocument document = (await ReadAsync(request, cancellation).ConfigureAwait(false)).Document;
        return CommitIn(document.RootElement)
            ?? throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub does not say which commit that is.");
    }

    /// <summary>All files of a commit.</summary>
    /// <exception cref="HubException">One of them has a name that some system could not hold; then none may be downloaded.</exception>
    public async Task<IReadOnlyDictionary<string, RepositoryFile>> FilesOfAsync(
        string commit, Action? waits, CancellationToken cancellation)
    {
        string subject = $"the files of {repository}";
        var files = new Dictionary<string, RepositoryFile>(StringComparer.Ordinal);
        Uri? page = connection.AddressOf($"/api/models/{repository}/tree/{commit}?recursive=true&expand=false");
        for (int pages = 0; page is not null; pages++)
        {
            if (pages == MostPages || files.Count > MostFiles)
            {
                throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub lists more than {MostFiles} files, or goes in circles.");
            }

            (JsonDocument document, Uri? next) =
                await ReadAsync(new HubRequest(HttpMethod.Get, page, subject) { Waits = waits }, cancellation).ConfigureAwait(false);
            using (document)
            {
                Read(document.RootElement, subject, files);
            }

            page = next;
        }

        return files;
    }

    /// <summary>The address of a file.</summary>
    public Uri AddressOf(string revision, string path)
    {
        string escaped = string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
        return connection.AddressOf($"/{repository}/resolve/{Uri.EscapeDataString(revision)}/{escaped}");
    }

    /// <summary>What one file is, at a revision.</summary>
    /// <exception cref="HubException">There is none, or the Hub does not say what is needed of it.</exception>
    public async Task<FileDescription> DescribeAsync(
        Revision revision, string path, int attempts, Action? waits, CancellationToken cancellation)
    {
        string subject = $"{Shown.Name(path)} of {repository} at {Shown.Name(revision.Value)}";
        var request = new HubRequest(HttpMethod.Head, AddressOf(revision.Value, path), subject)
        {
            StaysAtHub = true,
            Attempts = attempts,
            Waits = waits,
        };
        using HttpResponseMessage response = await connection.SendAsync(request, cancellation).ConfigureAwait(false);
        string? commit = Refusal.Header(response, "X-Repo-Commit");
        BlobId? blob = BlobId.FromEntityTag(Refusal.Header(response, "X-Linked-ETag") ?? Refusal.Header(response, "ETag"));
        bool isAnother = commit is null || !Hex.IsCommit(commit) || (revision.IsCommit && commit != revision.Value);
        if (isAnother || blob is null)
        {
            string lacks = blob is null ? "does not give the file's hash" : "does not say which commit that is, or names another";
            throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub {lacks}.");
        }

        // The length of a redirection is its own, not the file's.
        long? said = long.TryParse(Refusal.Header(response, "X-Linked-Size"), out long linked) ? linked
            : response.IsSuccessStatusCode ? response.Content.Headers.ContentLength : null;
        long size = said ?? await SizeOfAsync(commit!, path, subject, cancellation).ConfigureAwait(false);
        return RepositoryFile.IsSize(size)
            ? new FileDescription(commit!, blob, size)
            : throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub gives it {size} bytes, which no file has.");
    }

    private static string? CommitIn(JsonElement description)
    {
        try
        {
            return description is { ValueKind: JsonValueKind.Object } && description.TryGetProperty("sha", out JsonElement sha)
                && sha.ValueKind == JsonValueKind.String && sha.GetString() is { } commit && Hex.IsCommit(commit)
                ? commit
                : null;
        }
        catch (InvalidOperationException)
        {
            // Text that is not Unicode.
            return null;
        }
    }

    /// <summary>Asks the file itself how long it is.</summary>
    private async Task<long> SizeOfAsync(string commit, string path, string subject, CancellationToken cancellation)
    {
        var request = new HubRequest(HttpMethod.Get, AddressOf(commit, path), subject);
        using HttpResponseMessage response = await connection.SendAsync(request, cancellation).ConfigureAwait(false);
        return response.Content.Headers.ContentLength is { } size && response.Content.Headers.ContentEncoding.Count == 0
            ? size
            : throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub does not say how long the file is.");
    }

    private async Task<(JsonDocument Document, Uri? Next)> ReadAsync(HubRequest request, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                using HttpResponseMessage response = await connection.SendAsync(request, cancellation).ConfigureAwait(false);
                Uri? next = NextPage(response, request.Subject);
                return (await BoundedBody.ReadJsonAsync(response, request.Subject, options, cancellation).ConfigureAwait(false), next);
            }
            catch (Exception error) when (HubConnection.IsFailureOfNetwork(error, cancellation))
            {
                // It has begun well, and broke off.
                cancellation.ThrowIfCancellationRequested();
                if (attempt >= request.Attempts)
                {
                    throw HubConnection.Unreachable(request.Subject, error);
                }

                request.Waits?.Invoke();
                await connection.WaitAsync(RetryRule.Wait(attempt), cancellation).ConfigureAwait(false);
            }
        }
    }

    private Uri? NextPage(HttpResponseMessage response, string subject)
    {
        if (LinkHeader.Target(Refusal.Header(response, "Link"), "next") is not { } target)
        {
            return null;
        }

        // The token goes there too.
        return Uri.TryCreate(response.RequestMessage!.RequestUri!, target, out Uri? next) && connection.IsHub(next)
            ? next
            : throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub continues its list at another host.");
    }

    private void Read(JsonElement page, string subject, Dictionary<string, RepositoryFile> files)
    {
        try
        {
            foreach (JsonElement entry in page.EnumerateArray())
            {
                if (entry.GetProperty("type").GetString() != "file")
                {
                    continue;
                }

                RepositoryFile file = FileOf(entry, subject);
                if (!files.TryAdd(file.Path, file))
                {
                    throw UnsafeFile.Listed(repository, file.Path, "it is listed twice");
                }
            }
        }
        catch (Exception error) when (error is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub's list is not understood.", error);
        }
    }

    private RepositoryFile FileOf(JsonElement entry, string subject)
    {
        string path = entry.GetProperty("path").GetString() ?? "";
        if (FilePath.Problem(path) is { } problem)
        {
            throw UnsafeFile.Listed(repository, path, problem);
        }

        long listed = entry.GetProperty("size").GetInt64();
        string gitId = entry.GetProperty("oid").GetString() ?? "";
        string blob = gitId;
        long size = listed;
        if (entry.TryGetProperty("lfs", out JsonElement lfs) && lfs.ValueKind == JsonValueKind.Object)
        {
            blob = lfs.GetProperty("oid").GetString() ?? "";
            size = lfs.GetProperty("size").GetInt64();
        }

        bool hasXet = entry.TryGetProperty("xetHash", out JsonElement xet) && xet.ValueKind == JsonValueKind.String;
        return BlobId.From(blob) is { } id && BlobId.From(gitId) is not null && RepositoryFile.IsSize(size)
            ? new RepositoryFile(path, id, size) { GitId = gitId, ListedSize = listed, XetHash = hasXet ? xet.GetString() : null }
            : throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub gives no hash or no possible size of {Shown.Name(path)}.");
    }
}
