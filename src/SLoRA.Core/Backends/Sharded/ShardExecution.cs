namespace SLoRA.Backends.Sharded;

/// <summary>Does a shard's part of an operation, with the shard's parts of what the operation works on.</summary>
internal static class ShardExecution
{
    /// <summary>Does it.</summary>
    /// <param name="backend">The shard.</param>
    /// <param name="shard">Which it is.</param>
    /// <param name="command">The operation; <see cref="ShardOperation.EndStep"/> ends the step of the shard and no more.</param>
    public static void Run(IBackend backend, int shard, in ShardCommand command)
    {
        DeviceRows x = command.X is { } input ? input.Parts[shard] : null!;
        DeviceRows y = command.Y is { } output ? output.Parts[shard] : null!;
        DeviceVector weight = command.Weight is { } vector ? vector.Parts[shard] : null!;
        switch (command.Operation)
        {
            case ShardOperation.BeginStep:
                backend.BeginStep(command.Plan!);
                break;
            case ShardOperation.Embed:
                backend.Embed(command.Table!.Parts[shard], command.First, x);
                break;
            case ShardOperation.Norm:
                backend.Norm(x, weight, command.Epsilon, y);
                break;
            case ShardOperation.NormHeads:
                (int first, int columns) = command.X!.OnShard(command.First, command.Count * command.Weight!.Length, shard);
                backend.NormHeads(x, first, columns / weight.Length, weight, command.Epsilon);
                break;
            case ShardOperation.LayerNorm:
                backend.LayerNorm(x, weight, command.Bias?.Parts[shard], command.Epsilon, y);
                break;
            case ShardOperation.Rotate:
                (int from, int turned) = command.X!.OnShard(command.First, command.Count * command.HeadDim, shard);
                backend.Rotate(x, from, turned / command.HeadDim, command.HeadDim, command.Rope!.Parts[shard]);
                break;
            case ShardOperation.ScaleByPosition:
                backend.ScaleByPosition(command.Scale!, x, command.X!.OnShard(0, command.Count, shard).Columns);
                break;
            case ShardOperation.Apply:
                (int begin, int applied) = command.X!.OnShard(command.First, command.Count, shard);
                backend.Apply(command.Function, x, begin, applied);
                break;
            case ShardOperation.Multiply:
                (int to, int multiplied) = command.Y!.OnShard(command.To, command.Count, shard);
                backend.Multiply(y, to, x, command.X!.OnShard(command.First, command.Count, shard).First, multiplied);
                break;
            case ShardOperation.Convolve:
                (int convolved, _) = command.X!.OnShard(command.First, command.Y!.Width, shard);
                backend.Convolve(x, convolved, command.Convolutions![shard], command.To, y);
                break;
            case ShardOperation.Regroup:
                backend.Regroup(x, command.Runs![shard], y);
                break;
            case ShardOperation.Recur:
                backend.Recur(x, command.Z!.Parts[shard], command.Recurrences![shard], command.To, y);
                break;
            case ShardOperation.NormGated:
                backend.NormGated(
                    x, command.Count, weight, command.Epsilon, command.Z!.Parts[shard], command.First, command.GatesFirst);
                break;
            case ShardOperation.Linear:
                backend.Linear(command.Groups![shard], x, y);
                break;
            case ShardOperation.RotateAndStore:
                backend.RotateAndStore(x, command.First, command.Attentions![shard], command.Rope!.Parts[shard]);
                break;
            case ShardOperation.Attend:
                backend.Attend(x, command.First, command.Attentions![shard], y, weight);
                break;
            case ShardOperation.Gate:
                backend.Gate(command.Activation, x, y);
                break;
            case ShardOperation.GateClamped:
                backend.GateClamped(command.ClampedGate!, x, y);
                break;
            case ShardOperation.Add:
                backend.Add(x, y);
                break;
            case ShardOperation.AddNorm:
                backend.AddNorm(x, y, weight, command.Epsilon, command.Z!.Parts[shard]);
                break;
            case ShardOperation.AddGated:
                backend.AddGated(y, command.Z!.Parts[shard], x);
                break;
            case ShardOperation.RotateAndStoreLatent:
                backend.RotateAndStoreLatent(x, y, command.First, command.Latents![shard], command.Rope!.Parts[shard]);
                break;
            case ShardOperation.GatherOutputs:
                backend.GatherOutputs(x, y);
                break;
            case ShardOperation.EndStep:
                backend.EndStep(x);
                break;
            default:
                RunRouted(backend, shard, command, x, y, command.Routes!.Parts[shard]);
                break;
        }
    }

    /// <summary>The operations of experts, and of heads that are taken for experts.</summary>
    private static void RunRouted(
        IBackend backend, int shard, in ShardCommand command, DeviceRows x, DeviceRows y, DeviceRoutes routes)
    {
        switch (command.Operation)
        {
            case ShardOperation.Route:
                backend.Route(x, command.Routing!, command.Weight?.Parts[shard], command.Bias?.Parts[shard], routes);
                break;
            case ShardOperation.Spread:
                backend.Spread(x, routes, command.IsWeighted, y);
                break;
            case ShardOperation.LinearOfExperts:
                backend.LinearOfExperts(command.Experts![shard], x, routes, y);
                break;
            case ShardOperation.Combine:
                backend.Combine(x, routes, command.IsWeighted, y);
                break;
            case ShardOperation.RouteToAll:
                backend.RouteToAll(routes);
                break;
            case ShardOperation.TakeHeads:
                backend.TakeHeads(x, command.First, command.Count, routes, y);
                break;
            case ShardOperation.PutHeads:
                backend.PutHeads(x, routes, y);
                break;
            case ShardOperation.AttendLatent:
                backend.AttendLatent(x, command.Z!.Parts[shard], command.First, command.Latents![shard], routes, y);
                break;
            default:
                throw new InvalidOperationException($"Shards have no operation {command.Operation}.");
        }
    }
}
