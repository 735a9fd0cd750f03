using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <content>The operations of experts and of attention over latents.</content>
internal sealed partial class ShardedBackend
{
    /// <inheritdoc/>
    public void Route(DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes) =>
        _crew.Do(new ShardCommand(ShardOperation.Route)
        {
            X = (ShardedRows)logits,
            Routing = routing,
            Weight = (ShardedVector?)correction,
            Bias = (ShardedVector?)factors,
            Routes = (ShardedRoutes)routes,
        });

    /// <inheritdoc/>
    public void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) =>
        _crew.Do(Routed(ShardOperation.Spread, x, routes, y) with { IsWeighted = weighted });

    /// <inheritdoc/>
    public void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y) =>
        _crew.Do(Routed(ShardOperation.LinearOfExperts, x, routes, y) with { Experts = _shapes.Of(linear) });

    /// <inheritdoc/>
    public void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) =>
        _crew.Do(Routed(ShardOperation.Combine, x, routes, y) with { IsWeighted = weighted });

    /// <inheritdoc/>
    public void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x) => _crew.Do(new ShardCommand(ShardOperation.AddGated)
    {
        X = (ShardedRows)x,
        Y = (ShardedRows)y,
        Z = (ShardedRows)gate,
    });

    /// <inheritdoc/>
    public void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y) => _crew.Do(new ShardCommand(ShardOperation.GateClamped)
    {
        ClampedGate = gate,
        X = (ShardedRows)x,
        Y = (ShardedRows)y,
    });

    /// <inheritdoc/>
    public void RouteToAll(DeviceRoutes routes) =>
        _crew.Do(new ShardCommand(ShardOperation.RouteToAll) { Routes = (ShardedRoutes)routes });

    /// <inheritdoc/>
    public void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y) =>
        _crew.Do(Routed(ShardOperation.TakeHeads, x, routes, y) with { First = firstColumn, Count = stride });

    /// <inheritdoc/>
    public void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y) => _crew.Do(Routed(ShardOperation.PutHeads, x, routes, y));

    /// <inheritdoc/>
    public void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope) =>
        _crew.Do(new ShardCommand(ShardOperation.RotateAndStoreLatent)
        {
            X = (ShardedRows)q,
            Y = (ShardedRows)kv,
            First = layer,
            Latents = _shapes.Of(attention),
            Rope = (ShardedRope)rope,
        });

    /// <inheritdoc/>
    public void AttendLatent(
        DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y) =>
        _crew.Do(Routed(ShardOperation.AttendLatent, absorbed, routes, y) with
        {
            Z = (ShardedRows)q,
            First = layer,
            Latents = _shapes.Of(attention),
        });

    private static ShardCommand Routed(ShardOperation operation, DeviceRows x, DeviceRoutes routes, DeviceRows y) => new(operation)
    {
        X = (ShardedRows)x,
        Routes = (ShardedRoutes)routes,
        Y = (ShardedRows)y,
    };
}
