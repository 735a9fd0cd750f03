using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>The pages of the Hub: descriptions, lists and files of repositories.</summary>
internal sealed partial class HubPages(FakeHub hub)
{
    public Task AnswerAsync(HubAnswer answer, string target)
    {
        string path = target.Split('?')[0];
        string query = target[path.Length..];
        Match page = Page().Match(path);
        if (!page.Success)
        {
            return answer.ErrorAsync(404, null, "Sorry, we can't find the page you are looking for.");
        }

        string name = page.Groups["id"].Value;
        if (answer.Token is not (null or "hf_good" or "hf_other"))
        {
            return answer.ErrorAsync(401, null, "Invalid credentials in Authorization header");
        }

        if (hub.Content.Renamed.TryGetValue(name, out string? renamed))
        {
            return answer.RedirectAsync(307, path.Replace(name, renamed, StringComparison.Ordinal) + query);
        }

        if (hub.Content.Repositories.GetValueOrDefault(name) is not { } repository || (repository.IsPrivate && answer.Token != "hf_good"))
        {
            return answer.Token is null
                ? answer.ErrorAsync(401, "RepoNotFound", "Invalid username or password.")
                : answer.ErrorAsync(404, "RepoNotFound", "Repository not found");
        }

        string revision = Uri.UnescapeDataString(page.Groups["revision"].Success ? page.Groups["revision"].Value : "main");
        if (page.Groups["kind"].Value == "refs")
        {
            return RefsAsync(answer, repository);
        }

        if (repository.CommitOf(revision) is not { } commit)
        {
            return answer.ErrorAsync(404, "RevisionNotFound", $"Invalid rev id: {revision}");
        }

        string file = Uri.UnescapeDataString(page.Groups["path"].Value);
        return page.Groups["kind"].Value switch
        {
            "tree" => TreeAsync(answer, repository, commit, file, path, query),
            "resolve" or "resolve-cache" => FileAsync(answer, repository, commit, file, isCached: page.Groups["kind"].Value != "resolve"),
            _ => answer.JsonAsync(200, Description(repository, commit)),
        };
    }

    private static JsonObject Description(HubRepository repository, string commit) => new()
    {
        ["_id"] = commit[..24],
        ["id"] = repository.Name,
        ["modelId"] = repository.Name,
        ["author"] = repository.Name.Contains('/') ? repository.Name.Split('/')[0] : null,
        ["sha"] = commit,
        ["lastModified"] = "2026-01-01T00:00:00.000Z",
        ["private"] = repository.IsPrivate,
        ["gated"] = repository.Gated.DeepClone(),
        ["disabled"] = false,
        ["downloads"] = 0,
        ["likes"] = 0,
        ["tags"] = new JsonArray(),
        ["createdAt"] = "2026-01-01T00:00:00.000Z",
        ["siblings"] = new JsonArray(
            [.. repository.Commits[commit].Keys.Order(StringComparer.Ordinal).Select(path => new JsonObject { ["rfilename"] = path })]),
    };

    private static Task RefsAsync(HubAnswer answer, HubRepository repository)
    {
        JsonNode Entry(string name, string kind) =>
            new JsonObject { ["name"] = name, ["ref"] = $"refs/{kind}/{name}", ["targetCommit"] = repository.Refs[name] };
        string[] branches = [.. repository.Refs.Keys.Where(name => !name.StartsWith("refs/", StringComparison.Ordinal))];
        return answer.JsonAsync(200, new JsonObject
        {
            ["branches"] = new JsonArray([.. branches.Where(name => name[0] != 'v').Select(name => Entry(name, "heads"))]),
            ["converts"] = new JsonArray(),
            ["tags"] = new JsonArray([.. branches.Where(name => name[0] == 'v').Select(name => Entry(name, "tags"))]),
        });
    }

    private Task TreeAsync(HubAnswer answer, HubRepository repository, string commit, string folder, string path, string query)
    {
        List<JsonNode> entries = [.. Entries(repository.Commits[commit], folder)];
        int limit = Limit().Match(query) is { Success: true } limited
            ? int.Parse(limited.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            : hub.Content.TreePage;
        int from = Cursor().Match(query) is { Success: true } later
            ? int.Parse(later.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            : 0;
        if (from + limit < entries.Count)
        {
            string rest = Cursor().Replace(query, "");
            string next = $"{hub.Hub.AbsoluteUri.TrimEnd('/')}{path}{(rest.Length > 0 ? rest + "&" : "?")}cursor={from + limit}";
            answer.Set("Link", $"<{next}>; rel=\"next\"");
        }

        return answer.JsonAsync(200, new JsonArray([.. entries.Skip(from).Take(limit)]));
    }

    private static IEnumerable<JsonNode> Entries(Dictionary<string, HubFile> files, string folder)
    {
        string start = folder.Length == 0 ? "" : folder + "/";
        IEnumerable<string> folders = files.Keys.SelectMany(FoldersOf).Distinct();
        IEnumerable<string> below = files.Keys.Union(folders).Where(path => path.StartsWith(start, StringComparison.Ordinal));
        foreach (string path in below.Order(StringComparer.Ordinal))
        {
            if (!files.TryGetValue(path, out HubFile? file))
            {
                yield return new JsonObject { ["type"] = "directory", ["path"] = path, ["size"] = 0, ["oid"] = new string('0', 40) };
                continue;
            }

            var entry = new JsonObject { ["type"] = "file", ["path"] = path, ["size"] = file.Size, ["oid"] = file.GitId };
            if (!file.IsGit)
            {
                entry["lfs"] = new JsonObject { ["oid"] = file.Sha256, ["size"] = file.Size, ["pointerSize"] = file.PointerSize };
            }

            if (file.XetHash is not null)
            {
                entry["xetHash"] = file.XetHash;
            }

            yield return entry;
        }
    }

    private Task FileAsync(HubAnswer answer, HubRepository repository, string commit, string path, bool isCached)
    {
        if (repository.IsGated && answer.Token != "hf_good")
        {
            string start = $"Access to model {repository.Name} is restricted";
            return answer.Token is null
                ? answer.ErrorAsync(
                    401, "GatedRepo", start + ". You must have access to it and be authenticated to access it. Please log in.")
                : answer.ErrorAsync(
                    403, "GatedRepo", start + " and you are not in the authorized list. Visit the model page to ask for access.");
        }

        answer.Set("X-Repo-Commit", commit);
        if (!repository.Commits[commit].TryGetValue(path, out HubFile? file))
        {
            return answer.ErrorAsync(404, "EntryNotFound", "Entry not found");
        }

        answer.Set("ETag", file.QuotedEtag);
        if (file.IsGit && (isCached || !repository.ResolvesByCache))
        {
            return answer.FileAsync(file, "text/plain; charset=utf-8");
        }

        answer.Set("X-Linked-ETag", $"\"{file.Etag}\"");
        answer.Set("X-Linked-Size", file.Size.ToString(CultureInfo.InvariantCulture));
        if (file.IsGit)
        {
            return answer.RedirectAsync(307, $"/api/resolve-cache/models/{repository.Name}/{commit}/{path}");
        }

        string cdn = hub.Cdn.AbsoluteUri.TrimEnd('/');
        if (file.XetHash is not null)
        {
            answer.Set("X-Xet-Hash", file.XetHash);
            string token = $"{hub.Hub.AbsoluteUri.TrimEnd('/')}/api/models/{repository.Name}/xet-read-token/{commit}";
            answer.Set("Link", $"<{token}>; rel=\"xet-auth\", <{cdn}/v1/reconstructions/{file.XetHash}>; rel=\"xet-reconstruction-info\"");
        }

        string shown = Uri.EscapeDataString($"inline; filename=\"{path.Split('/')[^1]}\";");
        string signed = $"X-Amz-Expires=3600&X-Amz-Signature=fake&response-content-disposition={shown}";
        return answer.RedirectAsync(302, $"{cdn}/{commit[..8]}/{file.Sha256}?{signed}");
    }

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (int slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1))
        {
            yield return path[..slash];
        }
    }

    [GeneratedRegex(
        "^/(?:api/models/(?<id>[^/]+(?:/(?!revision/|tree/|refs$)[^/]+)?)"
        + "(?:/(?<kind>revision|tree)/(?<revision>[^/]+)(?:/(?<path>.*))?|/(?<kind>refs))?"
        + "|api/(?<kind>resolve-cache)/models/(?<id>[^/]+/[^/]+)/(?<revision>[^/]+)/(?<path>.*)"
        + "|(?<id>[^/]+(?:/[^/]+)?)/(?<kind>resolve)/(?<revision>[^/]+)/(?<path>.*))$")]
    private static partial Regex Page();

    [GeneratedRegex(@"[?&]limit=(\d+)")]
    private static partial Regex Limit();

    [GeneratedRegex(@"[?&]cursor=(\d+)")]
    private static partial Regex Cursor();
}
